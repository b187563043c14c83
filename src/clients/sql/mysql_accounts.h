/*
 * mysql_accounts: the accounts of one user name, 'app'@'%' and 'app'@'10.%' say: each is a user of its
 * own to the server, with its own password and grants.
 *
 * Internal to clients/sql/mysql*.
 */
#ifndef CLIENTS_SQL_MYSQL_ACCOUNTS_H
#define CLIENTS_SQL_MYSQL_ACCOUNTS_H

#include "clients/sql/mysql_session.h"

/* Hosts of one user: more would be no application's. */
#define MYSQL_ACCOUNTS_MAX 64

struct mysql_account {
	char *host;
	char *plugin;
	char *stored; /* the hash of its password, as the server keeps it */
	char *former; /* of the one that is accepted besides (MySQL's dual passwords); NULL: none */
};

struct mysql_accounts {
	struct mysql_account list[MYSQL_ACCOUNTS_MAX];
	size_t count;
};

#define MYSQL_ACCOUNTS_INIT ((struct mysql_accounts){0})

/*
 * Finds them all, perhaps none. DENIED: the session may not read mysql.user. INVALID: more than
 * MYSQL_ACCOUNTS_MAX.
 */
struct status mysql_accounts_find(struct mysql *, const char *user, struct mysql_accounts *ret);

/* The one for this host, NULL when there is none. */
const struct mysql_account *mysql_accounts_at(const struct mysql_accounts *, const char *host);

/* Wipes and frees. For AUTO(). */
void mysql_accounts_clear(struct mysql_accounts *);

#endif
