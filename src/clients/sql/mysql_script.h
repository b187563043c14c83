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
	char *otherwise;   /* where the server does not let the session do the first; NULL: fails */
	const char *doing; /* completes "… while <doing>"; static */
};

struct mysql_script {
	struct mysql_statement *statements;
	size_t count, room;
};

/*
 * Takes over copies of the texts; `otherwise` may be NULL. INVALID: more than MYSQL_STATEMENTS_MAX.
 * UNAVAILABLE: out of memory.
 */
struct status mysql_script_add(struct mysql_script *, const char *doing, const struct buffer *sql,
			       const struct buffer *otherwise);

/* Wipes and frees. For AUTO(). */
void mysql_script_clear(struct mysql_script *);

#endif
