/*
 * mysql_definition: what SHOW CREATE USER says of one account besides its password.
 *
 * Internal to clients/sql/mysql*; pure. Sources: "CREATE USER" of the MySQL 9.7 manual and of
 * MariaDB's.
 */
#ifndef CLIENTS_SQL_MYSQL_DEFINITION_H
#define CLIENTS_SQL_MYSQL_DEFINITION_H

#include "core/buffer.h"
#include "core/status.h"

#include <stdbool.h>

#define MYSQL_LIMITS 5

/* "MAX_QUERIES_PER_HOUR", …; the last is MariaDB's only. */
extern const char *const mysql_limit_names[MYSQL_LIMITS];

struct mysql_definition {
	char plugin[64];
	char *tls;		       /* what REQUIRE is followed by; "NONE" where nothing is */
	char limits[MYSQL_LIMITS][24]; /* numbers, "0" for none */
	char *policy;	     /* PASSWORD …, ACCOUNT …, FAILED_LOGIN_ATTEMPTS …; "" for none */
	char *default_roles; /* MySQL's list, "" for none */
};

#define MYSQL_DEFINITION_INIT ((struct mysql_definition){0})

/* INVALID: not of the known form. UNAVAILABLE: out of memory. */
struct status mysql_definition_parse(const char *statement, struct mysql_definition *ret);

/*
 * " REQUIRE … WITH …": all limits, the zeros too, so that it also takes one away. `is_mariadb`:
 * five.
 */
struct status mysql_definition_append(const struct mysql_definition *, bool is_mariadb,
				      struct buffer *statement);

/* Frees. For AUTO(). */
void mysql_definition_clear(struct mysql_definition *);

#endif
