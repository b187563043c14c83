/*
 * postgres_operations: the members of struct database_ops, one duty a file (postgres_users.c,
 * postgres_compare.c). Internal to clients/sql/postgres*; core/database.h is their manual.
 */
#ifndef CLIENTS_SQL_POSTGRES_OPERATIONS_H
#define CLIENTS_SQL_POSTGRES_OPERATIONS_H

#include "core/database.h"

/*
 * An advisory lock of the session, and a transaction: what postgres_set_password() and
 * postgres_put_user_like() then do ends with it, by postgres_commit() or not at all.
 */
struct status postgres_lock_user(struct database *, const char *user);

struct status postgres_commit(struct database *);

struct status postgres_set_password(struct database *, const char *user,
				    const struct secret *password);

/*
 * A role that exists already gets the password and nothing else: what somebody set up by hand, a
 * NOLOGIN above all, stays as it is. All or nothing.
 */
struct status postgres_put_user_like(struct database *, const char *user, const char *model,
				     const struct secret *password, bool *created);

/*
 * What counts: the role's attributes, its memberships, and what the role that its sessions start as
 * owns or was granted in the connected database: schemas, tables, columns, sequences, functions,
 * types, languages, foreign servers, row policies, tablespaces. Not compared: other databases,
 * large objects, default privileges, configuration parameters, what only RESET ROLE would give.
 * NOT_FOUND: one of the two does not exist.
 */
struct status postgres_compare_users(struct database *, const char *user, struct database *of_model,
				     const char *model);

#endif
