/*
 * What the tests of MySQL's and MariaDB's client share: the server from the STACK_ variables, the driver
 * under test, an administrator's connection of its own for preparing and looking, names that no other
 * run has.
 */
#ifndef TESTS_MYSQL_SUPPORT_H
#define TESTS_MYSQL_SUPPORT_H

#include "slowness.h"
#include "test.h"

#include "clients/sql/mysql.h"

#include <stdbool.h>

/* The password of those that make_user() makes, and another one. */
#define OLD "old-Passw0rd"
#define NEW "new-Passw0rd"

/* A cmocka group; the number of failed tests. */
int run_login_tests(void);
int run_users_tests(void);
int run_clone_tests(void);
int run_compare_tests(void);

/* For every test: an administrator's connection and a database; then everything it made is dropped. */
int set_up(void **state);
int tear_down(void **state);

bool is_mariadb(void);

/* Skips the test where the server is, or is not, MariaDB; `why` is shown. */
void only_on_mysql(const char *why);
void only_on_mariadb(const char *why);

/* The name of this test's user, role or database: "t<pid>_<what>". Valid until the test ends. */
const char *named(const char *what);

/* @a in a text, any one letter, is named("a"), and @(word) named("word"). Valid for some calls. */
const char *filled_in(const char *text);

/* Runs SQL, filled in, as the administrator. The test fails when the server refuses. */
void admin(const char *text);

/* Like admin(), and `%s` as printf. */
[[gnu::format(printf, 1, 2)]] void admin_printf(const char *format, ...);

/* The first column of every row, a line each, of filled-in SQL as the administrator; free() it. */
char *answer(const char *text);

/* Runs it likewise, and returns the number of the server's refusal, 0 for none. */
unsigned admin_try(const char *text);

/* CREATE USER 't<pid>_<what>'@'%' with the password OLD, and what follows it. */
const char *make_user(const char *what, const char *options);

/* Opens a session as that user and runs SQL, filled in. False when the login or the SQL was refused. */
bool run_as(const char *user, const char *password, const char *sql);
bool lets_in(const char *user, const char *password);

/* The stack's database, and a try at it with ten seconds to go. */
struct login stack_login(void);
struct status login_at(const struct login *, const char *user, const char *password,
		       int64_t milliseconds, struct database **ret);
struct status login_as(const char *user, const char *password, struct database **ret);
struct database *admin_session(void);

/* The operations, with a password as text. */
struct status set_password(struct database *, const char *user, const char *password);
struct status put_like(struct database *, const char *user, const char *model, const char *password,
		       bool *created);

/* In a session of each, whose passwords these are. */
struct status compare(const char *user, const char *password, const char *model,
		      const char *model_password);

/* Ends every session of that user, from the administrator's side. */
void kill_sessions_of(const char *user);

/* Is this text anywhere in the server's logs? */
bool log_contains(const char *text);

#endif
