#include "clients/sql/postgres_session.h"

#include "clients/sql/addresses.h"
#include "clients/sql/postgres_error.h"
#include "core/memory.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Under /dev/null there is never a file, nor a place to put one. */
#define NO_FILE "/dev/null/none"

/* The libpq that can be told how the server may ask for the password. */
#define REQUIRE_AUTH_SINCE 160000

/* The server that knows idle_session_timeout. */
#define IDLE_SESSION_SINCE 140000

/* To connect, shake hands and log in; an Aurora that has to wake up takes longest. */
#define LOGIN_WAIT_MS 15000

/* Longest silence of a session that has a user locked: one look at the store, tried again. */
#define LOCK_IDLE_MS 20000LL

/* For one address of several to answer at all. */
#define ADDRESS_WAIT_MS 3000

/* All that a session here reads is a few rows; a role with thousands of grants is the longest. */
#define RECEIVED_MAX (16 * 1024 * 1024)

/* libpq keeps whatever comes until it ends. The kernel has counted it. */
static struct status check_received(const struct postgres *session)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(PQsocket(session->connection), IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
	    info.tcpi_bytes_received <= RECEIVED_MAX)
		return OK;
	return failure(STATUS_UNAVAILABLE, "%s says more than %d bytes to '%s': it is no database",
		       session->place, RECEIVED_MAX, session->user);
}

static struct status wait_until(const struct postgres *session, short events,
				struct deadline deadline)
{
	struct pollfd socket = {.fd = PQsocket(session->connection), .events = events};
	int64_t left;
	int ready;

	TRY(check_received(session));
	do {
		left = deadline_left(deadline);
		ready = left > 0 ? poll(&socket, 1, left < INT_MAX ? (int)left : INT_MAX) : 0;
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return failure(STATUS_INTERNAL, "waiting for %s: errno %d", session->place, errno);
	if (ready == 0)
		return failure(
			STATUS_UNAVAILABLE,
			"%s did not answer '%s' in time: check that security groups, routes and "
			"the server let this function through",
			session->place, session->user);
	return OK;
}

static struct status wait_for_socket(const struct postgres *session, short events)
{
	return wait_until(session, events, session->deadline);
}

/* Notices would go to stderr, in the server's words. */
static void ignore_notice(void *context, const PGresult *notice)
{
	(void)context;
	(void)notice;
}

struct status postgres_check_name(const char *what, const char *name)
{
	size_t length = name != NULL ? strlen(name) : 0;

	if (length == 0)
		return failure(STATUS_INVALID, "the %s is empty", what);
	if (length > POSTGRES_NAME_MAX)
		return failure(STATUS_INVALID,
			       "the %s '%s' has %zu bytes; PostgreSQL takes at most %d", what, name,
			       length, POSTGRES_NAME_MAX);
	return OK;
}

static struct status choose_ca(struct postgres *session, const struct login *login)
{
	session->tls = login->tls;
	if (!login->tls)
		return OK;
	return place_find_ca(login, session->place, &session->ca_file);
}

static void describe(struct postgres *session, const struct login *login, const char *user,
		     const char *dbname)
{
	session->kind = login->kind;
	session->unproven = login->unproven;
	place_describe(login, session->place);
	snprintf(session->user, sizeof(session->user), "%s", user);
	snprintf(session->dbname, sizeof(session->dbname), "%s", dbname);
}

static struct status start(struct postgres *session, const struct login *login,
			   const struct secret *password, const char *address)
{
	char port[8];
	const char *const settings[][2] = {
		{"host", login->host}, /* what the certificate must be for */
		{"hostaddr", address},
		{"port", port},
		{"user", session->user},
		{"password", secret_reveal(password)},
		{"dbname", session->dbname},
		{"application_name", "tandem"},
		/* SCRAM with channel binding: the server shows that it has the verifier, and learns
		 * nothing; it cannot ask for the password instead. */
		{"channel_binding", login->unproven != NULL ? "require" : "prefer"},
		{"sslmode", login->tls ? "verify-full" : "disable"},
		{"sslrootcert", login->tls ? session->ca_file : NO_FILE},
		{"sslcert", NO_FILE},
		{"sslkey", NO_FILE},
		{"sslcrl", NO_FILE},
		{"passfile", NO_FILE},
		{"ssl_min_protocol_version", "TLSv1.2"},
		{"sslcompression", "0"},
		{"gssencmode", "disable"},
		{"target_session_attrs", "any"},
		/* The last: libpq 15 does not know it, and a server there may ask for the password in
		 * clear, inside TLS. */
		{"require_auth", "scram-sha-256,md5"},
	};
	enum { COUNT = sizeof(settings) / sizeof(settings[0]) };
	size_t count = PQlibVersion() >= REQUIRE_AUTH_SINCE ? COUNT : COUNT - 1;
	const char *keywords[COUNT + 1] = {NULL};
	const char *values[COUNT + 1] = {NULL};

	snprintf(port, sizeof(port), "%u", login->port);
	for (size_t i = 0; i < count; i++) {
		keywords[i] = settings[i][0];
		values[i] = settings[i][1];
	}
	/*
	 * PGTZ, PGDATESTYLE and PGGEQO become startup parameters, which proxies refuse, and
	 * PGSERVICE is opened, whatever keywords are given. So none of libpq's stays.
	 */
	place_forget_variables("PG");
	session->connection = PQconnectStartParams(keywords, values, 0);
	if (session->connection == NULL)
		return OUT_OF_MEMORY;
	PQsetErrorVerbosity(session->connection, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(session->connection, ignore_notice, NULL);
	if (PQstatus(session->connection) == CONNECTION_BAD)
		return postgres_login_error(session, CONNECTION_BAD);
	return OK;
}

/* Until the address has answered at all, `connecting` counts; from then on the session's deadline. */
static struct status finish(struct postgres *session, struct deadline connecting)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

	while (next != PGRES_POLLING_OK) {
		ConnStatusType stage = PQstatus(session->connection);

		bool reached = stage != CONNECTION_NEEDED && stage != CONNECTION_STARTED;

		TRY(wait_until(session, next == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			       reached ? session->deadline : connecting));
		stage = PQstatus(session->connection);
		next = PQconnectPoll(session->connection);
		if (next == PGRES_POLLING_FAILED)
			return postgres_login_error(session, stage);
	}
	/* From here on even PQfinish() does not block. */
	if (PQsetnonblocking(session->connection, 1) != 0)
		return failure(STATUS_UNAVAILABLE, "%s closed the connection", session->place);
	return OK;
}

/* Whoever lets people in without a password has proven nothing about the one we have. */
static struct status check_asked(const struct postgres *session)
{
	if (PQconnectionUsedPassword(session->connection))
		return OK;
	if (session->unproven != NULL)
		*session->unproven = true;
	return failure(
		STATUS_INVALID,
		"%s let '%s' in without asking for a password, so no password can be proven "
		"there: is it the right host, and does its pg_hba.conf ask for scram-sha-256?",
		session->place, session->user);
}

static struct status try_address(struct postgres *session, const struct login *login,
				 const struct secret *password, const char *address, bool is_last)
{
	struct deadline connecting = is_last ? session->deadline
					     : deadline_within(session->deadline, ADDRESS_WAIT_MS);

	PQfinish(session->connection);
	session->connection = NULL;
	TRY(start(session, login, password, address));
	return finish(session, connecting);
}

static struct status try_addresses(struct postgres *session, const struct login *login,
				   const struct secret *password)
{
	struct addresses addresses;
	struct status tried = OK;

	TRY_WHILE(addresses_find(login->host, session->deadline, &addresses), "looking for %s",
		  session->place);
	for (size_t i = 0; i < addresses.count; i++) {
		tried = try_address(session, login, password, addresses.numeric[i],
				    i + 1 == addresses.count);
		if (tried.code != STATUS_UNAVAILABLE)
			break;
	}
	return tried;
}

struct status postgres_connect(const struct login *login, const char *user,
			       const struct secret *password, struct deadline deadline,
			       struct postgres **ret)
{
	AUTO(postgres_close) struct postgres *session = NULL;
	/* As AWS's rotation templates do where the secret names none. */
	const char *dbname = login->dbname != NULL && login->dbname[0] != '\0' ? login->dbname
									       : "postgres";

	TRY(place_check_host(login->host));
	TRY(postgres_check_name("user name", user));
	TRY(postgres_check_name("database name", dbname));
	TRY(place_check_password(user, password));
	session = memory_alloc_zero(1, sizeof(*session));
	if (session == NULL)
		return OUT_OF_MEMORY;
	/* A silent address must leave time to say so, and to try again. */
	session->deadline = deadline_within(deadline, LOGIN_WAIT_MS);
	describe(session, login, user, dbname);
	TRY(choose_ca(session, login));
	TRY(try_addresses(session, login, password));
	TRY(check_asked(session));
	session->deadline = deadline;
	*ret = session;
	session = NULL;
	return OK;
}

void postgres_close(struct postgres **session)
{
	if (*session == NULL)
		return;
	PQfinish((*session)->connection);
	memory_free(*session);
	*session = NULL;
}

void postgres_result_clear(PGresult **result)
{
	PQclear(*result);
	*result = NULL;
}

const char *postgres_sqlstate(const PGresult *result)
{
	const char *sqlstate;

	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		return "";
	default:
		sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		/* libpq's own error: the connection broke (class 08). */
		return sqlstate != NULL ? sqlstate : "08006";
	}
}

static struct status flush(struct postgres *session)
{
	int unsent;

	while ((unsent = PQflush(session->connection)) == 1) {
		TRY(wait_for_socket(session, POLLIN | POLLOUT));
		if (!PQconsumeInput(session->connection))
			break;
	}
	if (unsent != 0)
		return failure(STATUS_UNAVAILABLE, "the connection to %s broke", session->place);
	return OK;
}

static struct status receive(struct postgres *session, PGresult **ret)
{
	while (PQisBusy(session->connection)) {
		TRY(wait_for_socket(session, POLLIN));
		/* A last word may stand before the end; with the line dead PQgetResult() cannot
		 * wait. */
		if (!PQconsumeInput(session->connection) &&
		    PQstatus(session->connection) == CONNECTION_BAD)
			break;
	}
	*ret = PQgetResult(session->connection);
	return OK;
}

static bool is_copying(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/*
 * A session that ran out of time is not cancelled: PQcancel() blocks without limit, and in clear
 * text. The server's own statement_timeout, set by postgres_manage(), has ended the statement.
 */
struct status postgres_run(struct postgres *session, const char *sql, int parameter_count,
			   const char *const *parameters, PGresult **ret)
{
	AUTO(postgres_result_clear) PGresult *last = NULL;
	int sent;

	/* Late is never: a process that was stopped meanwhile must not change what others changed. */
	if (deadline_left(session->deadline) == 0)
		return failure(STATUS_UNAVAILABLE, "no time is left to ask %s", session->place);
	if (parameter_count == 0)
		sent = PQsendQuery(session->connection, sql);
	else
		sent = PQsendQueryParams(session->connection, sql, parameter_count, NULL,
					 parameters, NULL, NULL, 0);
	if (!sent)
		return failure(STATUS_UNAVAILABLE, "the session at %s is lost", session->place);
	TRY(flush(session));
	for (;;) {
		PGresult *result = NULL;

		TRY(receive(session, &result));
		if (result == NULL)
			break;
		/* Its answer has no end that PQgetResult() would wait for: the same comes for ever. */
		if (is_copying(result)) {
			postgres_result_clear(&result);
			return failure(STATUS_UNAVAILABLE,
				       "%s wants to copy, which it was not asked for: it is no "
				       "database",
				       session->place);
		}
		/* The first error counts: after a fatal one comes libpq's word that the line is
		 * dead. */
		if (last != NULL && postgres_sqlstate(last)[0] != '\0') {
			postgres_result_clear(&result);
			continue;
		}
		postgres_result_clear(&last);
		last = result;
	}
	if (last == NULL)
		return failure(STATUS_UNAVAILABLE, "%s answered nothing", session->place);
	*ret = last;
	last = NULL;
	return OK;
}

struct status postgres_manage(struct postgres *session)
{
	AUTO(postgres_result_clear) PGresult *result = NULL;
	/* A little less than we have, so that the server's answer still finds us waiting. */
	long long left = (long long)deadline_left(session->deadline) * 9 / 10 + 1;
	long long idle = left < LOCK_IDLE_MS ? left : LOCK_IDLE_MS;
	char sql[512], idle_session[64] = "";

	if (session->kind == LOGIN_PROXY)
		return failure(STATUS_INTERNAL, "users are not managed through a proxy");
	if (session->locked)
		return OK;
	/* Older servers have no end for a session that holds the lock after its commit. */
	if (PQserverVersion(session->connection) >= IDLE_SESSION_SINCE)
		snprintf(idle_session, sizeof(idle_session), "; SET idle_session_timeout = %lld",
			 idle);
	/*
	 * RESET ROLE would return to the role in the user's settings; NONE is who logged in.
	 * DateStyle keeps time zones numeric in what we read and write back.
	 */
	snprintf(sql, sizeof(sql),
		 "SET ROLE NONE; SET search_path = pg_catalog, pg_temp; SET datestyle = 'ISO'; "
		 "SET client_encoding = 'UTF8'; SET default_transaction_read_only = off; "
		 "SET statement_timeout = %lld; SET lock_timeout = %lld; "
		 "SET idle_in_transaction_session_timeout = %lld%s",
		 left, left, idle, idle_session);
	TRY(postgres_run(session, sql, 0, NULL, &result));
	if (postgres_sqlstate(result)[0] != '\0')
		return postgres_statement_error(session, postgres_sqlstate(result),
						"preparing the session");
	return OK;
}

/* `quoted` is libpq's and may hold a verifier; NULL means no memory, or not valid UTF-8. */
static struct status append_quoted(const struct postgres *session, struct buffer *statement,
				   char *quoted)
{
	struct status status;

	if (quoted == NULL && strstr(PQerrorMessage(session->connection), "out of memory") != NULL)
		return OUT_OF_MEMORY;
	if (quoted == NULL)
		return failure(STATUS_INVALID, "a name or setting is not valid UTF-8");
	status = buffer_append_string(statement, quoted);
	explicit_bzero(quoted, strlen(quoted));
	PQfreemem(quoted);
	return status;
}

struct status postgres_append_identifier(struct postgres *session, struct buffer *statement,
					 const char *name)
{
	return append_quoted(session, statement,
			     PQescapeIdentifier(session->connection, name, strlen(name)));
}

struct status postgres_append_literal(struct postgres *session, struct buffer *statement,
				      const char *text)
{
	return append_quoted(session, statement,
			     PQescapeLiteral(session->connection, text, strlen(text)));
}
