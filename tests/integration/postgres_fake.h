/*
 * Servers that misbehave, each a child process on a free port of 127.0.0.x that serves one client.
 */
#ifndef TESTS_POSTGRES_FAKE_H
#define TESTS_POSTGRES_FAKE_H

#include "fake_server.h"

/* Answers the request for TLS with "no". */
struct fake fake_without_tls(void);

/* Answers a plaintext login with an error in PostgreSQL's format. */
struct fake fake_refusing(const char *sqlstate, const char *severity, const char *message);

/* Answers the request for TLS with an error in clear. */
struct fake fake_refusing_tls(void);

/* Lets everybody in without asking for a password. */
struct fake fake_trusting(void);

/* Asks for SCRAM, and ends it with a signature that only who knows the password could have made. */
struct fake fake_forging(void);

/* Asks for something that is no password. */
struct fake fake_asking_otherwise(void);

/* Asks for the password in clear. See fake_end_unanswered(). */
struct fake fake_asking_in_clear(void);

/* Takes any password, then answers the first query with an error; NULL: not at all; "": hangs up. */
struct fake fake_welcoming(const char *sqlstate);

/* Bytes of the protocol, for instance MESSAGES("Z\0\0\0\5I"). */
struct messages {
	const char *bytes;
	size_t length;
};

#define MESSAGES(text) ((struct messages){(text), sizeof(text) - 1})

/* Takes any password, then answers each query with the next of `answers`. */
struct fake fake_answering(const struct messages *answers, size_t count);

/* Takes any password, then answers the first query with rows that never end. */
struct fake fake_flooding(void);

#endif
