/*
 * mysql_operations: the members of struct database_ops, one duty a file (mysql_users.c,
 * mysql_clone.c, mysql_compare.c). Internal to clients/sql/mysql*; core/database.h is their manual.
 */
#ifndef CLIENTS_SQL_MYSQL_OPERATIONS_H
#define CLIENTS_SQL_MYSQL_OPERATIONS_H

#include "clients/sql/mysql_accounts.h"
#include "core/database.h"

/*
 * A lock by name, the whole server's. What mysql_set_password() and mysql_put_user_like() then do is
 * written down, and done by mysql_commit_change(): a user's change cannot be taken back here.
 */
struct status mysql_lock_user(struct database *, const char *user);

struct status mysql_commit_change(struct database *);

/*
 * Of the session's own user: of the one account that it logged in as. Of another: of all its accounts.
 * Where there are two passwords to a user (MySQL since 8.0.14), and the session may do so, the former
 * stays valid besides.
 */
struct status mysql_set_password(struct database *, const char *user,
				 const struct secret *password);

/* MySQL since 8.0.14, and whoever may: APPLICATION_PASSWORD_ADMIN for its own, CREATE USER for others'.
 */
struct status mysql_add_password(struct database *, const char *user, const struct secret *present,
				 const struct secret *password);

/*
 * The same hosts as the model's, and for each: TLS requirement, resource limits, default roles, grants,
 * roles, partial revokes. A user that is there gets what the model has more and loses what it has not;
 * its accounts for other hosts get the password only.
 */
struct status mysql_put_user_like(struct database *, const char *user, const char *model,
				  const struct secret *password, bool *created);

/* As SHOW GRANTS and SHOW CREATE USER have it for each session itself, which needs no permission. */
struct status mysql_compare_users(struct database *, const char *user, struct database *of_model,
				  const char *model);

struct status mysql_drop_former(struct database *, const char *user);

/*
 * Internal to the first two files. What they have added to the script, or failed to, is done at
 * once, left for the commit, or forgotten.
 */
struct status mysql_end_change(struct mysql *, struct status added);

/* INVALID: the server writes statements into its log as they come, so no password is sent. */
struct status mysql_check_log(struct mysql *);

/*
 * Adds to the script what sets the password of these accounts of another user; nothing for those that
 * have it. INVALID: one of them has no password, by its plugin.
 */
struct status mysql_change_accounts(struct mysql *, const char *user, const struct mysql_accounts *,
				    const struct secret *password);

/* Appends "IDENTIFIED …" for an account of this plugin. INVALID: it has no password. */
struct status mysql_append_identified(struct mysql *, const char *user, const char *plugin,
				      const struct secret *password, struct buffer *statement);

#endif
