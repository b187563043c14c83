/*
 * mysql_script: statements that are ready and wait to be run, one after the other.
 *
 * Changing a user commits by itself, and cannot be taken back. So what core/database.h calls a change
 * that nobody sees is, here, its text: it runs when it is committed. The texts may hold a password,
 * and are wiped.
 */
#ifndef CLIENTS_SQL_MYSQL_SCRIPT_H
#define CLIENTS_SQL_MYSQL_SCRIPT_H

#include "core/buffer.h"
#include "core/status.h"

#include <stddef.h>

/* A user's grants, each on a line of its own, for a few accounts. */
#define MYSQL_STATEMENTS_MAX 8192

struct mysql_statement {
	char *sql;
	/* What runs instead, NULL: nothing. Where the session lacks a right for the first; where the
	 * password that it names as the current one is only kept beside a newer one. */
	char *if_denied, *if_kept;
	char *if_needed; /* where the current password must be named, and it is the new one already */
	const char *doing; /* completes "… while <doing>"; static */
};

struct mysql_script {
	struct mysql_statement *statements;
	size_t count, room;
};

/* Adds a copy of the text. INVALID: more than MYSQL_STATEMENTS_MAX. UNAVAILABLE: out of memory. */
struct status mysql_script_add(struct mysql_script *, const char *doing, const struct buffer *sql);

/* What runs instead of the last one that was added; each may be NULL. UNAVAILABLE: out of memory. */
struct status mysql_script_add_instead(struct mysql_script *, const struct buffer *if_denied,
				       const struct buffer *if_kept,
				       const struct buffer *if_needed);

/* Wipes and frees. For AUTO(). */
void mysql_script_clear(struct mysql_script *);

#endif
