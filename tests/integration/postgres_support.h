/*
 * What the PostgreSQL tests share: the server from the STACK_ variables, the driver under test, an
 * administrator's connection of its own for preparing and looking, names that no other run has.
 */
#ifndef TESTS_POSTGRES_SUPPORT_H
#define TESTS_POSTGRES_SUPPORT_H

#include "slowness.h"
#include "test.h"

#include "clients/sql/postgres.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* One cmocka group each; the number of failed tests. */
int run_login_tests(void);
int run_users_tests(void);
int run_compare_tests(void);

/* For every test: an administrator's connection and a schema; then everything it made is dropped.
 */
int set_up(void **state);
int tear_down(void **state);

/* The name of this test's schema, role or database: "t<pid>_<what>". Valid until the test ends. */
const char *named(const char *what);

/* Runs SQL as the superuser; `%s` as printf. The test fails when the server refuses. */
[[gnu::format(printf, 1, 2)]] void admin(const char *format, ...);

/* The first value of a query as the superuser, "" for none; valid until the next call. */
[[gnu::format(printf, 1, 2)]] const char *answer(const char *format, ...);

/* Runs SQL in one login as that user. False when the login or the SQL was refused. */
bool run_as(const char *user, const char *password, const char *sql);

bool user_exists(const char *user);

int server_version(void);

/* The stack's database, and a try at it with ten seconds to go. */
struct login stack_login(void);
struct status login_at(const struct login *, const char *user, const char *password,
		       int64_t milliseconds, struct database **ret);
struct status login_as(const char *user, const char *password, struct database **ret);
struct database *admin_session(void);

/* The operations, with a password as text. */
struct status set_password(struct database *, const char *user, const char *password);
struct status create_like(struct database *, const char *user, const char *model,
			  const char *password);

/* Is this text anywhere in the server's log? */
bool log_contains(const char *text);

#endif
