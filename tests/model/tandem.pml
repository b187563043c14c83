/*
 * The rotation as a model: the four steps against Secrets Manager, a database and a lagging proxy,
 * while invocations die, run twice, arrive late, and an operator puts a hand in.
 *
 * Each port call of src/steps is one atomic block. Before each the invocation may die, which is also
 * the lost answer of the call before it. WORKERS invocations run at a time, each of any step of any
 * rotation begun so far: retries, duplicates, late and forged ones are all in that. After every
 * change the promises of the README are asserted. README.md beside this file says what is left out
 * and how to read a trail; model.py, which runs to make of it.
 *
 * The plan:      -DADMIN (an admin secret), -DPROXY (a pair of proxy secrets and an endpoint)
 * The beginning: -DBY_HAND (no schedule: createSecret claims the pending label itself)
 * The operator:  -DHANDS=n (at most n acts) of -DACT_GIVE_UP, -DACT_EDIT, -DACT_PASSWORD
 *                -DNEVER_CALM (only what holds at every instant, not that a rotation ends)
 * The end:       -DENDS (the formula at the end of this file, instead of counting the cures)
 * The faults:    -DFAULT_…, seeded, each must be found
 * The borders:   -DOUTSIDE_…, what the promise does not cover, or only by an assumption
 */
#ifndef ROTATIONS
#define ROTATIONS 2 /* at most 3 */
#endif
#ifndef WORKERS
#define WORKERS 2 /* or 3 */
#endif
#ifndef HANDS
#define HANDS 0
#endif
#ifndef OLDER_TRIES
#define OLDER_TRIES 3 /* as in set_secret.c */
#endif

/* spin prints a failed assertion as its text; the number in it says which promise it was. */
#define PROMISE(number, holds) assert((holds) || !number)
#define UNDONE 7  /* an edit by hand is never undone */
#define VACUOUS 8 /* no promise: asserted never to happen, to see that it does */

/* Users of the ring. */
#define A 0
#define B 1
#define OTHER(user) (1 - (user))

/*
 * Versions of a secret; a version's number is its password's too. A rotation's token is the number of
 * the version it makes, as in Secrets Manager. Versions of the proxy secrets have the same numbers.
 */
#define NONE 0
#define OLDER 1 /* B's, AWSPREVIOUS at the beginning */
#define FIRST 2 /* A's, AWSCURRENT at the beginning */
#define TOKEN(n) (2 + (n))
#define LAST_TOKEN TOKEN(ROTATIONS + 1) /* the undisturbed rotation at the end */
#define EDITED (LAST_TOKEN + 1) /* put by hand: AWSCURRENT's user and password once more */
#define VERSIONS (EDITED + 1)
#define SET_BY_HAND (VERSIONS + 1) /* a password that is in no version */
#define SECOND(token) ((token) + 10) /* another password under the same token, which must not be */

/* The application secret. A version without a password has no value. */
byte user_of[VERSIONS], password_of[VERSIONS];
bool edited[VERSIONS]; /* its text is another one in more than user and password */
byte current, pending, previous;
byte claimant; /* has the label under which createSecret, started by hand, puts its value */

/* The database: each user's password, NONE: no such user; and who is about to change it, from lock_user()
   to the commit: the whole server's, since the change itself is made before the last look. */
byte database[2];
bool locked[2];

/* The proxy secrets, one for each user, and what the proxy has read of them. */
byte copy_current[2];
byte copy_password[2 * VERSIONS];
#define COPY(user, version) copy_password[(user) * VERSIONS + (version)]
byte proxy_knows[2];

/* The invocations that run. */
byte running[WORKERS]; /* its token, NONE: idle */
byte doing[WORKERS];   /* its step */
#define CREATE 0
#define SET 1
#define TEST 2
#define FINISH 3
#define END 4

byte begun = FIRST; /* the last token there is */
byte hands;	    /* acts of the operator so far */

/* No more deaths, duplicates or acts: from here on one rotation must end. `next_step` is its next step. */
bool calm;
byte next_step;

/* What the promises and the assumptions are told in; no step reads these. */
byte spared = OLDER; /* the inactive user's password, while slow applications may hold it */
bool at_database[VERSIONS], at_proxy[VERSIONS]; /* where testSecret has logged in with it */
bool was_current[VERSIONS];
/* What a warm process remembers: testSecret has succeeded, when this version was AWSCURRENT. */
byte proven_from[VERSIONS];

#define UNFINISHED (pending != NONE && pending != current)
#define ACTIVE user_of[current]
#define INACTIVE OTHER(ACTIVE)
#define HAS_PENDING_VALUE(version) (pending == version && password_of[version] != NONE)

#define LOGS_IN(user, password) (database[user] == (password))
#ifdef PROXY
#define LOGS_IN_BY_PROXY(user, password) (proxy_knows[user] == (password) && LOGS_IN(user, password))
#else
#define LOGS_IN_BY_PROXY(user, password) LOGS_IN(user, password)
#endif

/* The proxy has read all there is to read, and refuses; or the database does. */
#define REFUSED_FOR_EVER(user, password) \
	(!LOGS_IN(user, password) || \
	 (proxy_knows[user] == COPY(user, copy_current[user]) && proxy_knows[user] != (password)))

#include "faults.pml"

/*
 * The client needs no process of its own, since its logins change nothing. Instead every client there
 * could be logs in after every change: one that has just read AWSCURRENT, and one that read it before
 * the last promotion and keeps it until the next setSecret changes that user.
 */
inline promises()
{
	PROMISE(1, LOGS_IN(ACTIVE, password_of[current]));
	PROMISE(2, LOGS_IN_BY_PROXY(ACTIVE, password_of[current]));
#ifdef PROXY
	PROMISE(2, COPY(ACTIVE, copy_current[ACTIVE]) == password_of[current]);
#endif
	PROMISE(4, spared == NONE || LOGS_IN(INACTIVE, spared));
	PROMISE(4, spared == NONE || LOGS_IN_BY_PROXY(INACTIVE, spared))
}

/* Secrets Manager: AWSCURRENT moves, and AWSPREVIOUS along. */
inline move_current(to)
{
	previous = current;
	current = to;
	was_current[to] = true
}

inline promote(version)
{
	if
	:: user_of[version] != ACTIVE -> spared = password_of[current]
	:: else
	fi;
	PROMISE(UNDONE, edited[version] == edited[current]);
	PROMISE(5, !was_current[version]); /* back to an old password */
	move_current(version);
	promises();
	PROMISE(3, at_database[version]);
#ifdef PROXY
	PROMISE(3, at_proxy[version]);
#endif
	PROMISE(4, user_of[previous] != user_of[current]);
#ifdef VACUITY
	PROMISE(VACUOUS, version != TOKEN(ROTATIONS))
#endif
}

/* A late setSecret may set the active user's own password again: that alters nothing. */
inline set_password(user, password)
{
	PROMISE(6, user != ACTIVE || password == database[user]);
	database[user] = password;
	promises()
}

/*
 * The invocation. What it reads it remembers as version numbers: a version never gets another value.
 */
#define token running[me]
#define step doing[me]
/* Nothing of what it knew is left. */
#define END_INVOCATION \
	d_step { \
		token = NONE; step = CREATE; \
		base = NONE; seen = NONE; copy = NONE; older = NONE; tries = 0 \
	}; \
	goto idle
#define DONE count_step(); END_INVOCATION
#define FAIL if :: calm -> cure() :: else fi; END_INVOCATION
#define MAY_DIE if :: !calm -> END_INVOCATION :: true fi
#define MAY_DIE_LOCKED if :: !calm -> LOCK = false; END_INVOCATION :: true fi

/* rotation_check_pending(): is it what createSecret makes of `base`? */
#define BELONGS (user_of[token] == NEXT_USER(base) && edited[token] == edited[base])

#define LOCK locked[user_of[token]] /* of the user whose password it changes */

#ifdef IN_ORDER
byte reached[VERSIONS]; /* fewer states: no step before the one before it succeeded once */
#define REACHED(wanted) (reached[token] >= wanted)
#else
#define REACHED(wanted) true
#endif

inline select_invocation()
{
	if
	:: begun >= TOKEN(1) -> token = TOKEN(1)
	:: begun >= TOKEN(2) -> token = TOKEN(2)
#if ROTATIONS > 2
	:: begun >= TOKEN(3) -> token = TOKEN(3)
#endif
	fi;
	if
	:: true -> step = CREATE
	:: REACHED(SET) -> step = SET
	:: REACHED(TEST) -> step = TEST
	:: REACHED(BEFORE_FINISH) -> step = FINISH
	fi
}

/* set_secret.c, find_lost_password(): the next older version with a password not tried yet. */
#define OF_NO_USE(version) \
	(password_of[version] == NONE || user_of[version] != user_of[token] || \
	 password_of[version] == seen || password_of[version] == password_of[token])
inline find_lost_password()
{
	do
	:: older == NONE -> break
	:: else ->
		older--;
		if
		:: older != NONE && OF_NO_USE(older)
		:: else -> break
		fi
	od
}

/* set_secret.c, promote_copy(); `copy` is what it was promoted from when this was read. */
inline move_copy()
{
	if
	:: COPY(user_of[token], copy) == password_of[token]
	:: else ->
		if
		:: copy_current[user_of[token]] == token
		:: copy_current[user_of[token]] == copy && COPY(user_of[token], token) != NONE ->
			copy_current[user_of[token]] = token;
			promises()
		:: else -> FAIL
		fi
	fi
}

/* AWSPREVIOUS was promised to work until the setSecret of a rotation under way, and this is it. */
inline previous_may_go()
{
	if
	:: pending == token && current != token -> spared = NONE
	:: else
	fi
}

/* A rotation under a new token. RotateSecret labels its empty version; by hand createSecret claims. */
inline rotate_again()
{
	begun = LAST_TOKEN;
	next_step = CREATE;
#ifdef BY_HAND
	pending = NONE
#else
	pending = begun
#endif
}

inline count_step()
{
#ifdef IN_ORDER
	if
	:: reached[token] == step && step != FINISH -> reached[token] = step + 1
	:: else
	fi;
#endif
	if
	:: calm ->
		next_step = step + 1;
		PROMISE(5, next_step != END || (current == token && pending == token))
	:: else
	fi
}

/*
 * An error in the calm. It must be one that README.md names, and after what that says to do the
 * rotation must end; any other breaks the promise. A password is set back at most once, and nothing
 * disturbs the rotation that is begun then, so that one must end without another cure.
 */
inline cure()
{
	if
	:: database[user_of[token]] == SET_BY_HAND ->
		database[user_of[token]] = password_of[token]
	:: else ->
		/* An edit: the pending version does not belong to the current one any more. */
		PROMISE(5, password_of[token] != NONE);
		PROMISE(5, edited[token] != edited[current] || user_of[token] == ACTIVE);
#ifndef ENDS
		PROMISE(5, begun != LAST_TOKEN);
#endif
		rotate_again()
	fi
}

proctype invocation(byte me)
{
	byte base;  /* the version that was AWSCURRENT when it looked */
	byte seen;  /* who had the label to be moved; setSecret: the user's last password */
	byte copy;  /* the version that was AWSCURRENT of the inactive user's proxy secret */
	byte older; /* setSecret: the older version whose password it tries; createSecret: itself, if it is old */
	byte tries; /* setSecret: how many of those so far */

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

#include "steps.pml"
}

#ifndef BY_HAND
/*
 * RotateSecret, by the schedule or by somebody: refused while a rotation is unfinished. That it also
 * waits is the assumption: the schedule makes it, or the operator who gave one up.
 */
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
#endif

#ifdef PROXY
/* The proxy notices a moved secret some time later. */
proctype proxy(byte user)
{
end:	do
	:: atomic {
		proxy_knows[user] != COPY(user, copy_current[user]) ->
		proxy_knows[user] = COPY(user, copy_current[user]);
		promises()
	}
	od
}
#endif

#define IDLE (running[0] == NONE && running[1] == NONE && running[WORKERS - 1] == NONE)

proctype operator()
{
end:	do
#ifdef ACT_GIVE_UP
	/* Gives the rotation up: takes the pending label away. */
	:: atomic { (!calm && hands < HANDS && UNFINISHED && MAY_GIVE_UP) -> pending = NONE; hands++ }
#endif
#ifdef ACT_EDIT
	/*
	 * Edits the secret, or puts the same text once more. PutSecretValue takes AWSPENDING off; to
	 * move AWSCURRENT to a version put under another label does not.
	 */
	:: atomic {
		(!calm && hands < HANDS && password_of[EDITED] == NONE) ->
		user_of[EDITED] = ACTIVE;
		password_of[EDITED] = password_of[current];
		if
		:: edited[EDITED] = true
		:: edited[EDITED] = false
		fi;
		move_current(EDITED);
		if
		:: MAY_PUT -> pending = NONE
		:: true
		fi;
		hands++
	}
#endif
#ifdef ACT_ROLL_BACK
	/* After the end of a rotation: moves AWSCURRENT back to AWSPREVIOUS, which is promised to work. */
	:: atomic {
		(!calm && hands < HANDS && !UNFINISHED && spared != NONE && user_of[previous] != ACTIVE &&
		 password_of[previous] == spared) ->
		spared = password_of[current];
		d_step { hands = previous; previous = current; current = hands; hands = HANDS };
		promises()
	}
#endif
#ifdef ACT_PASSWORD
	/* Sets the inactive user's password. */
	:: atomic {
		(!calm && hands < HANDS && NOTHING_PROVEN) ->
		database[INACTIVE] = SET_BY_HAND;
		spared = NONE;
		hands++
	}
#endif
#ifndef NEVER_CALM
	/* From here on nothing disturbs: the rotation under way, or else a new one, must end. */
	:: atomic {
		(!calm && IDLE) ->
		calm = true;
		if
		:: UNFINISHED -> begun = pending; next_step = CREATE
		:: else -> rotate_again()
		fi
	}
#endif
	:: false
	od
}

init {
	atomic {
		user_of[OLDER] = B;
		password_of[OLDER] = OLDER;
		user_of[FIRST] = A;
		password_of[FIRST] = FIRST;
		move_current(OLDER);
		move_current(FIRST);
		database[A] = FIRST;
		database[B] = OLDER;
#ifdef PROXY
		COPY(A, FIRST) = FIRST;
		copy_current[A] = FIRST;
		proxy_knows[A] = FIRST;
		COPY(B, OLDER) = OLDER;
		copy_current[B] = OLDER;
		proxy_knows[B] = OLDER;
#endif
#ifdef ADMIN
		/* The second user need not exist yet. */
		if
		:: true
		:: database[B] = NONE; spared = NONE; password_of[OLDER] = NONE; previous = NONE
		fi;
#endif
		promises();
#ifdef BY_HAND
		begun = TOKEN(ROTATIONS);
#else
		run schedule();
#endif
#ifdef PROXY
		run proxy(A);
		run proxy(B);
#endif
		run operator();
		run invocation(0);
		run invocation(1);
#if WORKERS > 2
		run invocation(2)
#endif
	}
}

#ifdef ENDS
/*
 * However often cure() rotates again. A cycle, or a standstill, in which `next_step` never becomes END is a
 * counter-example. No fairness is asked for: in the calm everybody's moves are finite.
 */
ltl rotation_ends { [] (calm -> <> (next_step == END)) }
#endif
