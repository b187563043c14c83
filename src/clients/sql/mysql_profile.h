/*
 * mysql_profile: what one account is and may do, read from the server; how two of them differ; and the
 * statements that make one follow the other.
 *
 * Internal to clients/sql/mysql*.
 */
#ifndef CLIENTS_SQL_MYSQL_PROFILE_H
#define CLIENTS_SQL_MYSQL_PROFILE_H

#include "clients/sql/mysql_definition.h"
#include "clients/sql/mysql_grants.h"
#include "clients/sql/mysql_session.h"

struct mysql_profile {
	struct mysql_definition definition;
	struct mysql_rights rights;
};

#define MYSQL_PROFILE_INIT ((struct mysql_profile){0})

/*
 * Of one account, quoted, or of the session's own, which needs no permission: NULL. NOT_FOUND: there
 * is none. DENIED: another's needs SELECT on the database mysql.
 */
struct status mysql_profile_read(struct mysql *, const char *account, struct mysql_profile *ret);

/*
 * Appends "missing …; different or too much: …" for what `profile` lacks and what it has besides,
 * as far as there is room in the buffer, with "and N more". Nothing where both may do the same.
 */
struct status mysql_profile_compare(const struct mysql_profile *, const struct mysql_profile *model,
				    struct buffer *text);

/*
 * Adds to the session's script what makes the account, quoted, follow `model`. `has` is what it is now,
 * and of no use afterwards; NULL for one that the script creates before, as its model is defined.
 */
struct status mysql_profile_follow(struct mysql *, const char *account, struct mysql_profile *has,
				   const struct mysql_profile *model);

/* Frees. For AUTO(). */
void mysql_profile_clear(struct mysql_profile *);

#endif
