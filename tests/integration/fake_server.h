/*
 * Servers that misbehave, whatever they speak: each is a child process on a free port of 127.0.0.x that
 * serves one client.
 */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fake {
	pid_t pid; /* 0: the listening socket alone, which nobody answers */
	int listener;
	uint16_t port;
};

/* Takes connections and never says a word. */
struct fake fake_silent(void);

/* On 127.0.0.2, everything that is said to it goes to `port` on 127.0.0.1, and back. */
struct fake fake_relay(uint16_t port);

/* Waits for its end. True: it got no answer to what it asked. */
bool fake_end_unanswered(struct fake *fake);

void fake_end(struct fake *);

/* What the others are made of: a listener; true in the child, whose one client is `ret`. */
struct fake fake_listen(const char *address);
bool fake_serves(struct fake *, int *ret);

/* In the child. How much came in one piece, 0 when the client has left. */
size_t fake_receive(int client);
void fake_say(int client, const void *bytes, size_t length);

/* Stays until the client has left, so that what was said is not lost with the connection. */
_Noreturn void fake_leave(int client);

#endif
