/*
 * The four steps, call by call; the body of invocation() in tandem.pml. Each block is one port call,
 * under the name of the function of src/steps that makes it; what follows from its answer is in the
 * block too. `token` is the version this rotation makes.
 */

/* create_secret.c */
create_secret:
	/* describe(), check_labels() */
	atomic {
		MAY_DIE;
		if
		:: current == token -> DONE
#ifdef BY_HAND
		:: current != token && (pending == token || MAY_CLAIM) -> seen = pending
#else
		:: current != token && pending == token
#endif
		:: else -> FAIL
		fi
	}
	/* create_secret(): rotation_get(STAGE_CURRENT), plan_make() */
	atomic {
		MAY_DIE;
		READ_CURRENT;
		if
		:: base == token -> DONE
		:: else
		fi
	}
#ifdef PROXY
	/* find_copy() */
	atomic { MAY_DIE; copy = copy_current[NEXT_USER(base)] }
#endif
	/* prepare_pending(): rotation_get_pending() */
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token) && KEEP_PENDING && BELONGS -> goto prepare_copy
		:: HAS_PENDING_VALUE(token) && KEEP_PENDING && !BELONGS -> FAIL
		:: else
		fi
	}
	/* prepare_pending(): stage(). Of two values for one token the first counts. */
	atomic {
		MAY_DIE;
		if
		:: password_of[token] == NONE ->
			user_of[token] = NEXT_USER(base);
			edited[token] = AS_EDITED(base);
			password_of[token] = token;
			PUT_UNDER_LABEL
		:: password_of[token] != NONE && !KEEP_PENDING ->
			password_of[token] = SECOND(token);
			PUT_UNDER_LABEL
		:: password_of[token] != NONE && KEEP_PENDING -> goto conflict
		fi;
		goto put
	}
conflict:
#ifdef CLAIM
	/* stage(): has that value its turn yet? */
	atomic {
		MAY_DIE;
		if
		:: MAY_CLAIM_OLD -> older = token
		:: else -> goto read_what_was_first
		fi
	}
#else
	goto read_what_was_first;
#endif
put:
#ifdef CLAIM
	/* stage(): the label moves from where it was seen, or not at all. */
	atomic {
		MAY_DIE;
		if
		:: pending == seen || pending == token -> pending = token
		:: else -> FAIL
		fi;
		if
		:: older == NONE -> goto prepare_copy
		:: else
		fi
	}
#else
	goto prepare_copy;
#endif
read_what_was_first:
	/* prepare_pending(): rotation_get_pending() after CONFLICT */
	atomic {
		MAY_DIE;
		if
		:: HAS_PENDING_VALUE(token) && BELONGS
		:: else -> FAIL
		fi
	}
prepare_copy:
	base = NONE;
	seen = NONE;
	older = NONE;
#ifdef PROXY
	/* prepare_copy(): stage(). CONFLICT: another password, or another key was edited meanwhile. */
	atomic {
		MAY_DIE;
		if
		:: COPY(user_of[token], copy) == password_of[token] -> DONE
		:: else
		fi;
		if
		:: COPY(user_of[token], token) == NONE ->
			COPY(user_of[token], token) = password_of[token];
			DONE
		:: COPY(user_of[token], token) == password_of[token] -> DONE
		:: COPY(user_of[token], token) != NONE
		fi
	}
	/* check_copy(): get_version() */
	atomic {
		MAY_DIE;
		if
		:: COPY(user_of[token], token) == password_of[token]
		:: else -> FAIL
		fi
	}
	/* check_copy(): describe(), stage(); they move that AWSPENDING back, which nobody here reads */
	atomic { MAY_DIE }
	atomic { MAY_DIE }
#endif
	atomic { DONE }

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
	/* read_situation(), interpret() */
	atomic {
		MAY_DIE;
		READ_CURRENT;
		if
		:: base == token -> DONE
		:: base != token && BELONGS
		:: base != token && !BELONGS -> FAIL
		fi
	}
#ifdef PROXY
	/* read_situation(): the proxy secrets; a batch need not be of one moment */
	atomic { MAY_DIE; copy = copy_current[user_of[token]] }
#endif
#ifdef ADMIN
	/* change_as_admin(): is this the database that the active credential is for? */
	atomic {
		MAY_DIE;
		if
		:: LOGS_IN(user_of[base], password_of[base])
		:: else -> FAIL
		fi
	}
#else
	/* last_password() */
#ifdef PROXY
	seen = COPY(user_of[token], copy);
#else
	atomic {
		MAY_DIE;
		if
		:: previous != NONE && user_of[previous] == user_of[token] ->
			seen = password_of[previous]
		:: else
		fi
	}
#endif
	/* change_as_user(): change_from() the last password */
	if
	:: seen != NONE && seen != password_of[token] ->
		atomic {
			MAY_DIE;
			if
			:: LOGS_IN(user_of[token], seen) -> goto look_again
			:: else
			fi
		}
	:: else
	fi;
#ifndef FAULT_NO_FALLBACK
	/* change_as_user(): find_changed() */
	atomic {
		MAY_DIE;
		if
		:: LOGS_IN(user_of[token], password_of[token]) -> goto promote_copy
		:: else
		fi
	}
#endif
#ifdef FAULT_NO_SEARCH
	FAIL;
#else
	/* change_from_older() */
	older = VERSIONS;
try_older:
	/* find_lost_password() */
	atomic {
		MAY_DIE;
		find_lost_password();
		if
		:: older == NONE || tries == OLDER_TRIES -> FAIL
		:: else -> tries++
		fi
	}
	/* change_from() */
	atomic {
		MAY_DIE;
		if
		:: LOGS_IN(user_of[token], password_of[older])
		:: else -> goto try_older
		fi
	}
#endif
look_again:
	seen = NONE;
	older = NONE;
	tries = 0;
#endif
	/*
	 * lock(): lock_user(); it waits, and its patience may end. Then set_password() or
	 * put_user_like(), which nobody sees before the commit, and which holds up everybody else.
	 */
	if
	:: atomic { LOCK_FREE -> LOCK = true }
	:: atomic { !calm -> END_INVOCATION }
	fi;
	/*
	 * look_and_commit(), read_labels(): describe(). A pending label that is not there is looked for
	 * again, twice, for a late read; here DescribeSecret is never late, so the last look counts.
	 */
	atomic {
		MAY_DIE_LOCKED;
#ifndef FAULT_NO_LOOK
		if
		:: current == token -> LOCK = false; goto promote_copy
		:: current == base && pending == token
		:: else -> LOCK = false; FAIL
		fi;
#endif
		previous_may_go();
		base = NONE
	}
	/* look_and_commit(): commit(); the session ends after it */
	atomic {
		MAY_DIE_LOCKED;
		set_password(user_of[token], password_of[token]);
		LOCK = false
	}
promote_copy:
	base = NONE;
	seen = NONE;
#if defined(PROXY) && !defined(FAULT_PRIMARY_FIRST)
	/* promote_copy() */
	atomic { MAY_DIE; move_copy() }
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
		:: current == token -> goto tested
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
	/* test_secret(): rotation_get(STAGE_CURRENT), check_versions() */
	atomic {
		MAY_DIE;
		READ_CURRENT;
		if
		:: base == token -> goto tested
		:: base != token && BELONGS
		:: base != token && !BELONGS -> FAIL
		fi
	}
	/* prove_database() */
	atomic {
		MAY_DIE;
		if
		:: LOGS_IN(user_of[token], password_of[token]) -> at_database[token] = true
		:: else -> FAIL
		fi
	}
#if defined(PROXY) && !defined(FAULT_PROXY_UNTESTED)
	/* prove_proxy(); it waits, and its patience may end; in the calm only when waiting is of no use */
	if
	:: atomic {
		LOGS_IN_BY_PROXY(user_of[token], password_of[token]) -> at_proxy[token] = true }
	:: atomic { !calm -> END_INVOCATION }
	:: atomic { calm && REFUSED_FOR_EVER(user_of[token], password_of[token]) -> FAIL }
	fi;
#endif
tested:
	atomic {
		if
		:: step == FINISH -> base = NONE; goto promote_version
		:: else -> proven_from[token] = base
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
		:: current != token && MAY_PROMOTE -> seen = current
		:: else -> FAIL
		fi;
		if
		:: PROVEN
		:: PROVES_AGAIN -> goto test_secret
		fi
	}
promote_version:
	/* finish_secret(): promote() */
	atomic {
		MAY_DIE;
		if
		:: current == token
		:: current != token && STILL(seen) -> promote(token)
		:: else -> FAIL
		fi;
#ifndef FAULT_PRIMARY_FIRST
		DONE
#endif
	}
#ifdef FAULT_PRIMARY_FIRST
	atomic { MAY_DIE; copy = copy_current[user_of[token]] }
	atomic { MAY_DIE; move_copy() }
	atomic { DONE }
#endif
