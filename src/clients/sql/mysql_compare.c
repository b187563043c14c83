/*
 * Comparing: MySQL shows a user its own grants, and nobody else's. So each of the two is asked in a
 * session of its own, by the account that it is to the server there.
 */
#include "clients/sql/mysql_operations.h"

#include "clients/sql/mysql_profile.h"

#include <string.h>

/* Bytes: a status holds 764, and the rest of its sentence needs room too. */
#define TEXT_MAX 2048

struct status mysql_compare_users(struct database *database, const char *user,
				  struct database *of_model, const char *model)
{
	struct mysql *session = (struct mysql *)database, *other = (struct mysql *)of_model;
	AUTO(mysql_profile_clear) struct mysql_profile profile = MYSQL_PROFILE_INIT;
	AUTO(mysql_profile_clear) struct mysql_profile wanted = MYSQL_PROFILE_INIT;
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(TEXT_MAX);

	if (other == NULL || strcmp(session->user, user) != 0 || strcmp(other->user, model) != 0)
		return failure(STATUS_INTERNAL, "two users are compared in a session of each");
	TRY(mysql_manage(session));
	TRY(mysql_manage(other));
	TRY(mysql_profile_read(session, NULL, &profile));
	TRY(mysql_profile_read(other, NULL, &wanted));
	TRY(mysql_profile_compare(&profile, &wanted, &text));
	if (text.length == 0)
		return OK;
	return failure(STATUS_INVALID,
		       "'%s' may not do exactly what '%s' may at %s: %s; grant and revoke, or let "
		       "an admin secret do it",
		       user, model, session->place, buffer_string(&text));
}
