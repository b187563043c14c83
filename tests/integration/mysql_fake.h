/*
 * Servers that speak MySQL's protocol, and misbehave: what one says is a conversation that a test
 * writes, a turn for each time that the client has spoken. Source: "Client/Server Protocol" of MySQL's
 * internals documentation.
 */
#ifndef TESTS_MYSQL_FAKE_H
#define TESTS_MYSQL_FAKE_H

#include "fake_server.h"

#define TURNS_MAX 8

struct conversation {
	struct {
		char bytes[1024];
		size_t length;
	} turns[TURNS_MAX]; /* the first is said to whoever connects */
	size_t count;
};

#define CONVERSATION_INIT ((struct conversation){0})

/* Begins a turn with a packet, or goes on with the last one's: the sequence number is the packet's. */
void say_next(struct conversation *, unsigned sequence, const char *payload, size_t length);
void say_too(struct conversation *, unsigned sequence, const char *payload, size_t length);

/* The greeting, which offers TLS or not. */
void say_greeting(struct conversation *, bool tls);

/* An OK, and an error with this number. */
void say_ok(struct conversation *, unsigned sequence);
void say_error(struct conversation *, unsigned sequence, unsigned error);

/* "Log in by this plugin instead." */
void say_switch(struct conversation *, unsigned sequence, const char *plugin);

/* The greeting in clear, whatever password comes, and "welcome". */
void say_welcome(struct conversation *);

/* An answer of one row of one column. */
void say_row(struct conversation *, const char *value);

/* Has the conversation with one client; then it stays, or hangs up. */
struct fake fake_talking(const struct conversation *, bool hangs_up);

/* Says the greeting's bytes so slowly that no single wait is long. */
struct fake fake_dripping(void);

/* Welcomes the client, and answers its first query with rows that never end. */
struct fake fake_flooding(void);

#endif
