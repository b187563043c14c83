/*
 * The rotation of a secret with a single user: its password changes under the application that uses it.
 *
 * In the way of tandem.pml: a block for each port call of src/steps, before which the invocation may die; any
 * step of any rotation begun so far, WORKERS at a time. Here a session counts besides: the lock is its, and
 * it can end while its process lives. What finishSecret does after an error is modelled too: from its commit
 * on an error is not a death.
 *
 * The engine:    -DKEEPS (two passwords a user), with -DMAY_NOT_KEEP (but not for this one)
 *                -DNO_REUSE (takes no password twice), -DNO_REPEAT (not the one it has)
 * The plan:      -DADMIN (who changes it is not the user)
 * The operator:  -DHANDS=n (how often a rotation is given up)
 * The end:       -DENDS (the formula at the end of this file)
 *                -DIN_ORDER (no step before the one before it succeeded once), -DNEVER_CALM
 *                -DMADE_GOOD (only that one rotation ends, whatever was before)
 * The faults:    -DFAULT_…, seeded, each must be found
 * The borders:   -DOUTSIDE_…, what the promise does not cover, or only by an assumption
 */
#ifndef ROTATIONS
#define ROTATIONS 2
#endif
#ifndef WORKERS
#define WORKERS 2 /* or 3 */
#endif
#ifndef HANDS
#define HANDS 0
#endif

/* spin prints a failed assertion as its text; the number in it says which promise it was. */
#define PROMISE(number, holds) assert((holds) || !number)
#define VACUOUS 8
#define S1 11
#define S2 12
#define S3 13
#define S4 14
#define S5 15

#if defined(KEEPS) && !defined(MAY_NOT_KEEP)
#define TWO_PASSWORDS
#endif

/* Versions; a version's number is its password's too, and its rotation's token. */
#define NONE 0
#define OLDER 1 /* AWSPREVIOUS at the beginning */
#define FIRST 2 /* AWSCURRENT at the beginning */
#define TOKEN(n) (2 + (n))
#define LAST_TOKEN TOKEN(ROTATIONS + 1) /* the undisturbed rotation at the end */
#define VERSIONS (LAST_TOKEN + 1)

bool has_value[VERSIONS];
byte current, pending, previous;

/* The database: the password, and one that is kept beside it. */
byte newest, kept;
#define ACCEPTS(password) (newest == (password) || (kept != NONE && kept == (password)))

byte lock; /* by whose session it is held: MINE, NONE */
#define MINE (me + 1)

/* The invocations that run. */
byte running[WORKERS]; /* its token, NONE: idle */
byte doing[WORKERS];   /* its step */
#define CREATE 0
#define SET 1
#define TEST 2
#define FINISH 3
#define MEND 4 /* finishSecret, after an error */
#define END 4

byte begun = FIRST; /* the last token there is */
byte hands;

/* No more deaths, duplicates or acts: one invocation of any step, then all of them in turn. */
bool calm, any_step;
byte next_step;

/* What a warm process remembers of testSecret: from which version, and that the change waits. */
byte proven_from[VERSIONS];
bool proven_deferred[VERSIONS];

/* What the promises are told in; no step reads these. */
bool was_current[VERSIONS];
bool changing[WORKERS]; /* it has committed its change, and not yet moved the label or mended */
bool moving[WORKERS];	/* it holds the lock for the label's move */
bool left_changed;	/* one died there */
byte late_token, late_from; /* a label that Secrets Manager has yet to move, and from where */
byte spared = OLDER;	/* the password of AWSPREVIOUS, until the next setSecret */

#define UNFINISHED (pending != NONE && pending != current)
#define HAS_PENDING_VALUE(version) (pending == version && has_value[version])
#define SOMEBODY_CHANGES (changing[0] || changing[1] || changing[WORKERS - 1])

/* The engine refuses this password. */
#ifdef NO_REUSE
#define IS_INVALID(password) true
#else
#ifdef NO_REPEAT
#define IS_INVALID(password) (newest == (password))
#else
#define IS_INVALID(password) false
#endif
#endif

/* The change does not wait for a label: what it is there for. */
#ifdef FAULT_NO_LOCK
#define LOCK_FREE true
#else
#define LOCK_FREE (lock == NONE)
#endif

/*
 * The server ends the session of a process that stands still, and with it the lock. Until its commit that
 * does no harm; between that and the label it is where the promise ends.
 */
#ifdef OUTSIDE_STOOD_STILL
#define MAY_LOSE_LOCK true
#else
#define MAY_LOSE_LOCK (!moving[lock - 1])
#endif

/* The assumption of faults.pml: the next begins after createSecret and finishSecret of one given up. */
#ifdef OUTSIDE_LATE_FINISH
#define LATE_FINISH(worker) false
#else
#define LATE_FINISH(worker) doing[worker] == FINISH
#endif
#ifdef OUTSIDE_LATE_CREATE
#define LATE_CREATE(worker) false
#else
#define LATE_CREATE(worker) doing[worker] == CREATE
#endif
#define ENDED(worker, next_token) \
	(running[worker] == NONE || running[worker] == next_token || \
	 was_current[running[worker]] || !(LATE_CREATE(worker) || LATE_FINISH(worker)))
#define WAITED_OUT(next_token) \
	(ENDED(0, next_token) && ENDED(1, next_token) && ENDED(WORKERS - 1, next_token))

/* finishSecret takes for set what testSecret found to be, and moves the label without the lock. */
#ifdef FAULT_PROMOTE_UNLOCKED
#define PROMOTE_SET if :: !deferred -> goto promote_version :: else fi
#else
#define PROMOTE_SET
#endif

/* …, or where the current password cannot be put back. */
#ifdef FAULT_FORWARD_UNLOCKED
#define GOES_ON_LOCKED false
#else
#define GOES_ON_LOCKED true
#endif

/* What is refused is first put right by any step: the version that knows the password loses its label. */
#define IN_FINISH(worker) (running[worker] == pending && doing[worker] == FINISH)
#ifdef OUTSIDE_GIVE_UP
#define MAY_GIVE_UP true
#else
#define MAY_GIVE_UP \
	(ACCEPTS(current) && !IN_FINISH(0) && !IN_FINISH(1) && !IN_FINISH(WORKERS - 1))
#endif

/* After every change every client there could be logs in. */
inline promises()
{
#ifdef TWO_PASSWORDS
	PROMISE(S4, ACCEPTS(current));
	PROMISE(S4, spared == NONE || ACCEPTS(spared));
#endif
#ifndef MADE_GOOD
	PROMISE(S2, ACCEPTS(current) || SOMEBODY_CHANGES || left_changed);
#endif
	if
	:: ACCEPTS(current) -> left_changed = false
	:: else
	fi
}

#define token running[me]
#define step doing[me]

#define ADDS (step == SET)
#ifdef FAULT_RETAIN_KEPT
#define RETAINS true
#else
#define RETAINS false
#endif

/* set_password() in a session that was opened with the password `session`; add_password(). */
inline set_password(password)
{
#ifdef TWO_PASSWORDS
#ifdef ADMIN
	if
	:: newest == password
	:: newest != password && (!ADDS || newest == base) -> kept = newest
	:: else
	fi;
#else
	/* Beside the newest only: RETAIN would keep that, and end the session's own. */
	if
	:: newest == session || RETAINS -> kept = newest
	:: else
	fi;
#endif
#endif
	newest = password;
	promises()
}
inline promote(version)
{
#ifndef MADE_GOOD
	PROMISE(S1, ACCEPTS(version));
#endif
	PROMISE(S5, !was_current[version]);
	spared = current;
	previous = current;
	current = version;
	was_current[version] = true;
	promises();
#ifdef VACUITY
	PROMISE(VACUOUS, version != TOKEN(ROTATIONS))
#endif
}

inline end_session()
{
	if
	:: lock == MINE -> lock = NONE
	:: else
	fi;
	moving[me] = false
}

inline end_invocation()
{
	end_session();
	changing[me] = false;
	token = NONE;
	step = CREATE
}

/* Nothing of what it knew is left. */
#define FORGET \
	d_step { \
		base = NONE; seen = NONE; session = NONE; caller = CREATE; \
		forward = false; deferred = false; progress = false \
	}
#define DIE FORGET; goto died
#define MAY_DIE if :: !calm -> DIE :: true fi
#define DONE FORGET; goto done
#define FAIL FORGET; goto failed

#ifdef IN_ORDER
byte reached[VERSIONS]; /* no step before the one before it succeeded once */
#define REACHED(wanted) (reached[token] >= wanted)
#else
#define REACHED(wanted) true
#endif

inline count_step(ok)
{
#ifdef IN_ORDER
	if
	:: ok && reached[token] == step && step != FINISH -> reached[token] = step + 1
	:: else
	fi;
#endif
	if
	:: calm && any_step ->
#if !defined(NO_REUSE) && !defined(MADE_GOOD)
		PROMISE(S3, ACCEPTS(current));
#endif
		any_step = false;
		next_step = CREATE
	:: calm && !any_step ->
		PROMISE(S5, ok);
		next_step = step + 1;
		PROMISE(S5, next_step != END || (current == token && pending == token && newest == token));
#ifdef TWO_PASSWORDS
		PROMISE(S5, next_step != END || kept == previous)
#endif
	:: else
	fi
}

inline select_invocation()
{
	if
	:: begun >= TOKEN(1) -> token = TOKEN(1)
	:: begun >= TOKEN(2) -> token = TOKEN(2)
	fi;
	if
	:: true -> step = CREATE
	:: REACHED(SET) -> step = SET
	:: REACHED(TEST) -> step = TEST
	:: REACHED(FINISH) -> step = FINISH
	fi
}

/* What testSecret found set is to be promoted as soon as the lock is held. */
#ifdef KEEPS
#define MOVES_SET (step == FINISH && caller == FINISH && !deferred)
#else
#define MOVES_SET false
#endif

/* lock_user(); it waits, and its patience may end. */
#define LOCK_USER \
	if \
	:: atomic { LOCK_FREE -> lock = MINE; moving[me] = MOVES_SET } \
	:: atomic { !calm -> DIE } \
	fi

proctype invocation(byte me)
{
	byte base;    /* the version that was AWSCURRENT when it looked */
	byte seen;    /* finishSecret: the one it has seen there first */
	byte session; /* with which password its session was opened */
	byte caller;  /* of single_user_settle() */
	bool forward, deferred;
	bool progress; /* BEGUN */

idle:
end:	atomic {
		if
		:: !calm && begun > FIRST -> select_invocation()
		:: calm && me == 0 && next_step != END -> token = begun; step = next_step
		fi;
		if
		:: step == CREATE -> goto create_secret
		:: step == SET -> goto set_secret
		:: step == TEST -> goto test_secret
		:: step == FINISH -> goto finish_secret
		fi
	}

/* create_secret.c */
create_secret:
	/* describe(), check_labels() */
	atomic {
		MAY_DIE;
		if
		:: current == token -> DONE
		:: current != token && pending == token
		:: else -> FAIL
		fi
	}
	/* create_secret(): rotation_get(STAGE_CURRENT) */
	atomic {
		MAY_DIE;
		base = current;
		if
		:: base == token -> DONE
		:: else
		fi
	}
	/* prepare_pending(): rotation_get_pending() */
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token) -> caller = CREATE; goto settle_others
		:: else
		fi
	}
	/* prepare_pending(): stage(). Of two values for one token the first counts. */
	atomic {
		MAY_DIE;
		if
		:: !has_value[token] -> has_value[token] = true; pending = token; DONE
		:: else
		fi
	}
	/* prepare_pending(): rotation_get_pending() after CONFLICT */
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token) -> DONE
		:: else -> FAIL
		fi
	}

/* set_secret.c */
set_secret:
	/* rotation_pending() */
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token) -> goto read_situation
		:: else
		fi
	}
	atomic {
		MAY_DIE;
		if
		:: current == token -> DONE
		:: else
		fi
	}
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token)
		:: else -> FAIL
		fi
	}
read_situation:
	/* read_situation(), interpret(); single_user_set() */
	atomic {
		MAY_DIE;
		base = current;
		if
		:: base == token -> DONE
		:: else -> caller = SET; goto settle_others
		fi
	}
add_password:
#if defined(KEEPS) || defined(FAULT_CHANGE_IN_SET)
	/* add_password(): lock_user(), add_password() */
	LOCK_USER;
	/* add_password(): rotation_last_look() */
	atomic {
		MAY_DIE;
		if
		:: current == token -> DONE
		:: current == base && pending == token -> spared = NONE
		:: else -> FAIL
		fi
	}
	/* add_password(): commit(). DENIED: the change is left to finishSecret. */
	atomic {
		MAY_DIE;
		if
		:: lock == MINE ->
#if defined(TWO_PASSWORDS) || defined(FAULT_CHANGE_IN_SET)
			set_password(token)
#endif
		:: else -> FAIL
		fi
	}
#endif
	atomic { DONE }

/* test_secret.c; finishSecret comes here too, with nothing proven */
test_secret:
	/* rotation_pending() */
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token) -> goto read_current
		:: else
		fi
	}
	atomic {
		MAY_DIE;
		if
		:: current == token -> base = token; goto tested
		:: else
		fi
	}
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token)
		:: else -> FAIL
		fi
	}
read_current:
	/* test_secret(): rotation_get(STAGE_CURRENT) */
	atomic {
		MAY_DIE;
		base = current;
		if
		:: base == token -> goto tested
		:: else -> caller = TEST
		fi
	}
	goto settle_others;
settled_for_test:
	deferred = !forward;
#ifdef KEEPS
	/* find_set() */
	if
	:: forward
	:: else ->
		atomic {
			MAY_DIE;
			deferred = !ACCEPTS(token)
		}
	fi;
#endif
tested:
	atomic {
		forward = false;
		session = NONE;
		if
		:: step == FINISH && base == token -> base = NONE; goto promote_version
		:: step == FINISH && base != token -> PROMOTE_SET; goto finish_single_user
		:: else -> proven_from[token] = base; proven_deferred[token] = deferred
		fi;
		DONE
	}

/* finish_secret.c */
finish_secret:
	/* finish_secret(): describe(); a process that is not the one of testSecret proves again */
	atomic {
		MAY_DIE;
		if
		:: current == token -> DONE
		:: current != token && pending == token -> seen = current
		:: else -> FAIL
		fi;
		if
		:: proven_from[token] == seen ->
			deferred = proven_deferred[token];
			PROMOTE_SET;
			goto finish_single_user
		:: goto test_secret
		fi
	}
promote_version:
	/* finish_secret(): promote(), which was done already */
	atomic {
		MAY_DIE;
		if
		:: current == token
		:: current != token && current == seen -> promote(token)
		:: else -> FAIL
		fi;
		DONE
	}

/* single_user.c */
finish_single_user:
	/* read_again(): rotation_get_pending() */
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token)
		:: else -> FAIL
		fi
	}
	/* read_again(): rotation_get(STAGE_CURRENT) */
	atomic {
		MAY_DIE;
		base = current;
		if
		:: base == seen
		:: else -> FAIL
		fi;
		caller = FINISH;
		goto settle
	}
settled_for_finish:
	if
	:: forward -> goto prove
	:: else
	fi;
#ifdef FAULT_LABEL_FIRST
	goto promote_it;
change_it:
#endif
	/* set_password(): lock_user(), set_password() */
	LOCK_USER;
#ifdef KEEPS
	/* find_set() */
	if
	:: deferred
	:: else ->
		atomic {
			MAY_DIE;
			if
			:: ACCEPTS(token) -> goto promote_it
			:: else
			fi
		}
	fi;
#endif
	/* set_password(): rotation_last_look() */
	atomic {
		MAY_DIE;
#ifndef FAULT_LABEL_FIRST
		if
		:: current == token -> DONE
		:: current == base && pending == token
		:: else -> FAIL
		fi;
#endif
		spared = NONE;
		progress = true
	}
	/* set_password(): commit(). Its answer may be lost, or its session had ended. */
	atomic {
		MAY_DIE;
		if
		:: lock == MINE ->
			changing[me] = true;
			moving[me] = true;
			set_password(token);
			if
			:: true
			:: !calm -> goto mend
			fi
		:: !calm || lock != MINE -> goto mend
		fi;
#ifdef FAULT_UNLOCK_AT_COMMIT
		end_session();
#endif
#ifdef FAULT_LABEL_FIRST
		DONE
#endif
	}
prove:
	/* prove_and_promote(): log_in() */
	atomic {
		MAY_DIE;
		if
		:: ACCEPTS(token)
		:: !calm || !ACCEPTS(token) -> goto mend
		fi
	}
promote_it:
	/* prove_and_promote(): promote(). Its answer may be lost, done or not. */
	atomic {
		MAY_DIE;
		if
		:: current == token
		:: current != token && current == base -> promote(token); changing[me] = false
		:: !calm || (current != token && current != base) -> goto mend
#ifdef OUTSIDE_LATE_LABEL
		:: !calm && late_token == NONE -> late_token = token; late_from = base; goto mend
#endif
		fi;
#ifdef FAULT_LABEL_FIRST
		goto change_it;
#endif
		if
		:: true -> DONE
		:: !calm -> goto mend
		fi
	}
mend:
	/* single_user_finish(): the session of the change has ended */
	atomic {
		end_session();
		session = NONE;
		if
		:: !progress -> FAIL
		:: else
		fi;
#ifdef FAULT_NO_RESTORE
		FAIL
#endif
	}
	/* mend(): describe() */
	atomic {
		MAY_DIE;
		if
		:: current == token -> DONE
		:: else -> caller = MEND; goto settle
		fi
	}

/* single_user_settle(), for the steps before finishSecret */
settle_others:
#ifdef FAULT_NO_SETTLE
	goto settled;
#endif
settle:
	/* settle(): log_in() with the current password */
	atomic {
		MAY_DIE;
		forward = false;
		session = base;
		if
		:: ACCEPTS(base) -> goto settled
		:: else
		fi
	}
	/* settle(): log_in() with the pending password */
	atomic {
		MAY_DIE;
		session = token;
		if
		:: ACCEPTS(token) -> goto put_back
		:: else
		fi
	}
	/* settle_from_previous(): rotation_get(STAGE_PREVIOUS) */
	atomic {
		MAY_DIE;
		session = previous
	}
	/* settle_from_previous(): rotation_login_kept() */
	atomic {
		MAY_DIE;
		if
		:: ACCEPTS(session)
		:: else -> FAIL
		fi
	}
put_back:
	/* set_password(): lock_user(), set_password() */
	LOCK_USER;
	atomic {
		MAY_DIE;
		if
		:: lock == MINE && IS_INVALID(base) ->
			forward = true;
			moving[me] = (caller == FINISH);
			goto settled
		:: lock == MINE && !IS_INVALID(base)
		:: lock != MINE -> DIE
		fi
	}
	/* set_password(): rotation_last_look() */
	atomic {
		MAY_DIE;
#ifndef FAULT_NO_LOOK
		if
		:: current == token -> forward = true; goto settled
		:: current == base && pending == token
		:: else -> FAIL
		fi
#endif
	}
	/* set_password(): commit() */
	atomic {
		MAY_DIE;
		if
		:: lock == MINE -> set_password(base)
		:: else -> DIE
		fi
	}
	/* settle(): log_in() once more */
	atomic {
		MAY_DIE;
		session = base;
		if
		:: ACCEPTS(base)
		:: else -> FAIL
		fi
	}
settled:
	/* settle(): the session that put it back ends; in finishSecret not the one that could not */
	atomic {
		if
		:: caller == FINISH && forward && GOES_ON_LOCKED
		:: else -> end_session()
		fi;
		if
		:: caller == CREATE -> DONE
		:: caller == SET && forward -> DONE
		:: caller == SET && !forward -> goto add_password
		:: caller == TEST -> session = NONE; goto settled_for_test
		:: caller == FINISH -> goto settled_for_finish
		:: caller == MEND ->
			left_changed = left_changed || forward; /* told in a note */
			FAIL
		fi
	}

	/* It says that it is done, or why not: it has left nothing behind. */
done:
	atomic { count_step(true); changing[me] = false; promises(); end_invocation(); goto idle }
failed:
	atomic { count_step(false); changing[me] = false; promises(); end_invocation(); goto idle }
died:
	atomic { left_changed = left_changed || changing[me]; end_invocation(); goto idle }
}

/* RotateSecret: refused while a rotation is unfinished, and begun when one given up is waited out. */
proctype schedule()
{
end:	do
	:: atomic {
		(!calm && begun < TOKEN(ROTATIONS) && !UNFINISHED && WAITED_OUT(begun + 1)) ->
		begun++;
		pending = begun
	}
	od
}

/* The server, which ends a session that stands still. */
proctype server()
{
end:	do
	:: atomic { (!calm && lock != NONE && MAY_LOSE_LOCK) -> lock = NONE }
	od
}

#ifdef OUTSIDE_LATE_LABEL
/* Secrets Manager, which does late what nobody waits for any more. */
proctype late_label()
{
end:	do
	:: atomic {
		(!calm && late_token != NONE) ->
		if
		:: current == late_from -> promote(late_token)
		:: else
		fi;
		late_token = NONE
	}
	od
}
#endif

#define IDLE (running[0] == NONE && running[1] == NONE && running[WORKERS - 1] == NONE)

proctype operator()
{
end:	do
#if HANDS > 0
	/* Gives the rotation up: takes the pending label away. */
	:: atomic { (!calm && hands < HANDS && UNFINISHED && MAY_GIVE_UP) -> pending = NONE; hands++ }
#endif
#ifndef NEVER_CALM
	/* From here on nothing disturbs: the rotation under way, or else a new one, must end. */
	:: atomic {
		(!calm && IDLE && late_token == NONE) ->
		calm = true;
		any_step = true;
		if
		:: UNFINISHED -> begun = pending
		:: else -> begun = LAST_TOKEN; pending = LAST_TOKEN
		fi;
		if
		:: next_step = CREATE
#ifndef IN_ORDER
		:: next_step = SET
		:: next_step = TEST
		:: next_step = FINISH
#endif
		fi
	}
#endif
	:: false
	od
}

init {
	atomic {
		has_value[OLDER] = true;
		has_value[FIRST] = true;
		was_current[OLDER] = true;
		was_current[FIRST] = true;
		previous = OLDER;
		current = FIRST;
		newest = FIRST;
#ifdef TWO_PASSWORDS
		kept = OLDER;
#else
		spared = NONE;
#endif
		promises();
		run schedule();
		run server();
		run operator();
#ifdef OUTSIDE_LATE_LABEL
		run late_label();
#endif
		run invocation(0);
		run invocation(1);
#if WORKERS > 2
		run invocation(2)
#endif
	}
}

#ifdef ENDS
/* As in tandem.pml: a cycle, or a standstill, in which the rotation never ends. */
ltl rotation_ends { [] (calm -> <> (next_step == END)) }
#endif
