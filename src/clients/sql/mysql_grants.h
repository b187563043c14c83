/*
 * mysql_grants: what SHOW GRANTS says of one account, as a set that can be compared, and as the
 * statements that give or take one of its members.
 *
 * Internal to clients/sql/mysql*; pure. Names keep the server's quoting (`app`.`t`), so they are
 * written back as they were read. Sources: "SHOW GRANTS", "Partial Revokes" and "Default roles" of the
 * MySQL 9.7 manual, "SHOW GRANTS" and "SET DEFAULT ROLE" of MariaDB's.
 */
#ifndef CLIENTS_SQL_MYSQL_GRANTS_H
#define CLIENTS_SQL_MYSQL_GRANTS_H

#include "core/buffer.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

enum mysql_right_kind {
	RIGHT_PRIVILEGE,    /* what: "SELECT", "SELECT (`a`)", "GRANT OPTION"; on: "`app`.*" */
	RIGHT_ROLE,	    /* what: "`role`@`%`" */
	RIGHT_DEFAULT_ROLE, /* the same: active from the login on */
	RIGHT_REVOKED,	    /* a partial revoke: what a global privilege does not reach */
};

struct mysql_right {
	enum mysql_right_kind kind;
	char *what, *on; /* on: "" where the kind has none */
	/* A role's ADMIN OPTION, a dynamic or PROXY privilege's GRANT OPTION: it can be given later,
	 * but not taken alone. */
	bool may_pass_on;
};

struct mysql_rights {
	struct mysql_right *list;
	size_t count, room;
};

#define MYSQL_RIGHTS_INIT ((struct mysql_rights){0})

/*
 * Adds what one line of SHOW GRANTS says; a line that says nothing (USAGE) adds nothing. INVALID: a
 * line that is not understood. UNAVAILABLE: out of memory.
 */
struct status mysql_rights_add_line(struct mysql_rights *, const char *line);

/* Adds roles that are active from the login on, from a list as in SHOW CREATE USER. */
struct status mysql_rights_add_default_roles(struct mysql_rights *, const char *list);

/* The member that is the same but perhaps for may_pass_on, NULL when there is none. */
const struct mysql_right *mysql_rights_find(const struct mysql_rights *,
					    const struct mysql_right *);

/*
 * Does the set give what this right gives: itself with as much to pass on, or something wider, the
 * privilege on the whole table, database or server say?
 */
bool mysql_rights_cover(const struct mysql_rights *, const struct mysql_right *);

/*
 * The statement that gives or takes one; not for RIGHT_DEFAULT_ROLE. `account` is quoted. INVALID:
 * longer than the buffer's limit.
 */
struct status mysql_right_give(const struct mysql_right *, const char *account, struct buffer *);
struct status mysql_right_take(const struct mysql_right *, const char *account, struct buffer *);

/* For people: "SELECT on `app`.`t`", "role `r`@`%` WITH ADMIN OPTION". */
struct status mysql_right_describe(const struct mysql_right *, struct buffer *);

/* Takes one member out of the set, by its place in the list. */
void mysql_rights_remove(struct mysql_rights *, size_t place);

/* Frees. For AUTO(). */
void mysql_rights_clear(struct mysql_rights *);

#endif
