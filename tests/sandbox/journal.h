/*
 * journal: which calls came in and how they ended, for tests to read. Never a value.
 */
#ifndef SANDBOX_JOURNAL_H
#define SANDBOX_JOURNAL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_MAX 16384 /* then the oldest entries go */

struct journal_entry {
	uint64_t n; /* counts from 1, never starts again */
	int64_t at_ms;
	const char *service; /* a literal */
	char action[64];
	char secret[256]; /* its name; what was asked for when there is none */
	char token[80];	  /* ClientRequestToken, VersionId or MoveToVersionId */
	char access_key[32];
	bool rotation_token;
	unsigned status; /* 0: the connection was closed without an answer */
	char error[64];
	const char *fault; /* a literal, or NULL */
};

struct journal {
	struct journal_entry *entries; /* a ring */
	size_t count;
	uint64_t last;
};

/* Numbers the entry and keeps a copy. */
void journal_add(struct journal *, const struct journal_entry *);
cJSON *journal_show(const struct journal *);

/* Forgets every entry; the numbering goes on. */
void journal_empty(struct journal *);
void journal_clear(struct journal *);

#endif
