#include "clients/sql/postgres_error.h"

#include "core/memory.h"

#include <stdio.h>
#include <string.h>

enum refusal {
	WRONG_PASSWORD,
	UNKNOWN_TO_PROXY,
	PROXY_BEHIND,
	NOT_ALLOWED_IN,
	NO_RULE,
	NO_CONNECT,
	NO_DATABASE,
	TLS_REQUIRED,
	BUSY,
	UNKNOWN_REFUSAL,
};

/*
 * First match decides. The texts are those of proxies, which speak English only and put one
 * SQLSTATE on everything; PostgreSQL itself is recognised by SQLSTATE, in whatever language it
 * speaks. PgBouncer relays its server's words under 08P01: "password authentication failed for
 * user" is the server refusing PgBouncer, without "for user" it is PgBouncer refusing us.
 */
static const struct {
	const char *sqlstate; /* a prefix */
	const char *text;     /* part of the message, NULL = any */
	const char *routine;  /* the server function that refused, NULL = any; never translated */
	enum refusal refusal;
} refusals[] = {
	{"", "has no credentials for the role", NULL, UNKNOWN_TO_PROXY},
	{"", "The password that was provided for the role", NULL, WRONG_PASSWORD},
	{"", "imed-out waiting to acquire database connection", NULL, BUSY},
	{"", "requires TLS connections", NULL, TLS_REQUIRED},
	{"08P01", "SASL authentication failed", NULL, WRONG_PASSWORD},
	{"08P01", "password authentication failed for user", NULL, PROXY_BEHIND},
	{"08P01", "password authentication failed", NULL, WRONG_PASSWORD},
	{"08P01", "no such user", NULL, UNKNOWN_TO_PROXY},
	{"08P01", "not permitted to log in", NULL, NOT_ALLOWED_IN},
	{"08P01", "permission denied for database", NULL, NO_CONNECT},
	{"08P01", "no such database", NULL, NO_DATABASE},
	{"08P01", "does not exist", NULL, NO_DATABASE},
	{"08P01", "SSL required", NULL, TLS_REQUIRED},
	{"08P01", "query_wait_timeout", NULL, BUSY},
	{"08P01", "server login has been failing", NULL, BUSY},
	{"08P01", "too many connections", NULL, BUSY},
	{"08P01", "no more connections", NULL, BUSY},
	{"08P01", NULL, NULL, UNKNOWN_REFUSAL},
	{"28P01", NULL, NULL, WRONG_PASSWORD},
	{"28000", NULL, "ClientAuthentication", NO_RULE},
	{"28", NULL, NULL, NOT_ALLOWED_IN},
	{"42501", NULL, NULL, NO_CONNECT},
	{"3D000", NULL, NULL, NO_DATABASE},
	{"55000", NULL, NULL, NO_DATABASE},
	{"08", NULL, NULL, BUSY},
	{"53", NULL, NULL, BUSY},
	{"57P", NULL, NULL, BUSY},
};

/*
 * libpq writes "<severity>:  <SQLSTATE>: <message>" when it is verbose. The severity is translated,
 * the rest of the pattern is not.
 */
static const char *find_sqlstate(const char *message, char ret[static 6])
{
	for (const char *at = message; (at = strstr(at, ":  ")) != NULL; at++) {
		const char *code = at + 3;

		if (strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || code[5] != ':')
			continue;
		memcpy(ret, code, 5);
		ret[5] = '\0';
		return code;
	}
	return NULL;
}

static enum refusal recognise(const char *sqlstate, const char *message)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (strncmp(sqlstate, refusals[i].sqlstate, strlen(refusals[i].sqlstate)) != 0)
			continue;
		if (refusals[i].text != NULL && strstr(message, refusals[i].text) == NULL)
			continue;
		if (refusals[i].routine != NULL && strstr(message, refusals[i].routine) == NULL)
			continue;
		return refusals[i].refusal;
	}
	return UNKNOWN_REFUSAL;
}

static struct status refused(const struct postgres *session, enum refusal refusal,
			     const char *sqlstate)
{
	const char *place = session->place;
	const char *user = session->user;

	switch (refusal) {
	case WRONG_PASSWORD:
		if (session->kind == LOGIN_PROXY)
			return failure(
				STATUS_DENIED,
				"wrong password for '%s' at %s (SQLSTATE %s): the proxy's "
				"secret for this user holds another one, or the proxy has not "
				"read it yet",
				user, place, sqlstate);
		return failure(STATUS_DENIED,
			       "wrong password for '%s' at %s (SQLSTATE %s); it says the same when "
			       "there is no such user or its VALID UNTIL has passed",
			       user, place, sqlstate);
	case UNKNOWN_TO_PROXY:
		return failure(STATUS_DENIED,
			       "%s has no credential for '%s' (SQLSTATE %s): attach this user's "
			       "secret to the proxy, and let the proxy's role read it",
			       place, user, sqlstate);
	case PROXY_BEHIND:
		return failure(
			STATUS_UNAVAILABLE,
			"%s let '%s' in, but the database refused the password the proxy has "
			"for this user (SQLSTATE %s); it mends when the proxy reads its secret "
			"again",
			place, user, sqlstate);
	case NOT_ALLOWED_IN:
		return failure(
			STATUS_DENIED,
			"'%s' may not log in at %s (SQLSTATE %s): the role is NOLOGIN, is missing, "
			"or may not use this way to log in",
			user, place, sqlstate);
	case NO_RULE:
		return failure(
			STATUS_DENIED,
			"%s has no pg_hba.conf entry that lets '%s' into '%s' from here %s TLS "
			"(SQLSTATE %s)",
			place, user, session->dbname, session->tls ? "with" : "without", sqlstate);
	case NO_CONNECT:
		return failure(
			STATUS_DENIED,
			"'%s' has no permission to connect to '%s' at %s (SQLSTATE %s): grant "
			"CONNECT on the database",
			user, session->dbname, place, sqlstate);
	case NO_DATABASE:
		return failure(
			STATUS_INVALID,
			"no database '%s' that takes connections at %s (SQLSTATE %s): correct "
			"\"dbname\" in the secret",
			session->dbname, place, sqlstate);
	case TLS_REQUIRED:
		return failure(STATUS_INVALID,
			       "%s takes TLS connections only (SQLSTATE %s): remove \"ssl\": false "
			       "from the secret",
			       place, sqlstate);
	case BUSY:
		return failure(STATUS_UNAVAILABLE,
			       "%s cannot take '%s' now (SQLSTATE %s): it is starting, stopping, "
			       "switching over or out of connections",
			       place, user, sqlstate);
	case UNKNOWN_REFUSAL:
		break;
	}
	return failure(STATUS_UNAVAILABLE,
		       "%s turned '%s' away with SQLSTATE %s; its own log says why", place, user,
		       sqlstate);
}

static bool connection_broke(const char *message)
{
	static const char *const signs[] = {
		"server closed the connection",
		"SSL SYSCALL error",
		"SSL connection has been closed",
		"could not receive data",
		"could not send",
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(message, signs[i]) != NULL)
			return true;
	return false;
}

/* These are libpq's own texts: English, since this program never calls setlocale(). */
static struct status tls_error(const struct postgres *session, const char *message)
{
	/* Said in clear, so its words count for nothing, not even which error. */
	if (strstr(message, "error response during SSL exchange") != NULL)
		return failure(STATUS_UNAVAILABLE,
			       "%s answered the question for TLS with an error: it is starting, "
			       "out of connections, or no PostgreSQL server",
			       session->place);
	/* Why, libpq does not know: for an error of the system it shows memory it never wrote to. */
	if (strstr(message, "could not read root certificate file") != NULL ||
	    strstr(message, "root certificate file \"") != NULL)
		return place_ca_error(session->kind, session->place, session->ca_file);
	return place_tls_error(strstr(message, "certificate verify failed") != NULL ? TLS_UNVERIFIED
			       : strstr(message, "does not match host name") != NULL
				       ? TLS_OTHER_NAME
			       : strstr(message, "does not support SSL") != NULL ? TLS_NOT_OFFERED
										 : TLS_NOT_AGREED,
			       session->kind, session->place, session->ca_file);
}

/* How the server asks for the password, or answers it: libpq's own texts again. */
static bool is_no_proof(const char *message)
{
	static const char *const signs[] = {
		"incorrect server signature",
		"invalid server signature",
		"authentication method", /* … not supported; … requirement … failed */
		"SASL authentication mechanisms",
		"authentication not supported",
		"channel binding", /* where it is required */
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(message, signs[i]) != NULL)
			return true;
	return false;
}

/*
 * For want of memory OpenSSL finds certificates invalid, and keeps that for as long as the process
 * lives: then no reason of this side counts. Its allocations are counted; libpq tells by its text, and
 * libc by that of its error.
 */
static bool lacked_memory(const char *message)
{
	return memory_failures() != 0 || strstr(message, "out of memory") != NULL ||
	       strstr(message, "Cannot allocate memory") != NULL;
}

struct status postgres_login_error(const struct postgres *session, ConnStatusType stage)
{
	const char *message = PQerrorMessage(session->connection);
	char sqlstate[6];
	const char *answer = find_sqlstate(message, sqlstate);

	if (answer != NULL)
		return refused(session, recognise(sqlstate, answer), sqlstate);
	if (lacked_memory(message))
		return failure(STATUS_UNAVAILABLE,
			       "out of memory, now or before, while logging in at %s as '%s'",
			       session->place, session->user);
	if (stage == CONNECTION_SSL_STARTUP && !connection_broke(message))
		return tls_error(session, message);
	/* Never DENIED: the next password must not be tried on it. */
	if (is_no_proof(message)) {
		if (session->unproven != NULL)
			*session->unproven = true;
		return failure(
			STATUS_INVALID,
			"%s did not prove that it knows the password of '%s', or asked for it in a "
			"way that proves nothing: is it the right host, and does its pg_hba.conf "
			"ask for scram-sha-256?",
			session->place, session->user);
	}
	if (strstr(message, "Connection refused") != NULL)
		return failure(
			STATUS_UNAVAILABLE,
			"nothing listens at %s: the server is down, or host or port is wrong",
			session->place);
	return failure(STATUS_UNAVAILABLE,
		       "%s could not be reached as '%s': no route, or it broke off the connection",
		       session->place, session->user);
}

struct status postgres_statement_error(const struct postgres *session, const char *sqlstate,
				       const char *doing)
{
	static const char *const healing[] = {"08",    "40",	"53",	 "57",
					      "55P03", "25006", "25P03", "XX000"};

	for (size_t i = 0; i < sizeof(healing) / sizeof(healing[0]); i++)
		if (strncmp(sqlstate, healing[i], strlen(healing[i])) == 0)
			return failure(
				STATUS_UNAVAILABLE, "%s gave up %s as '%s' with SQLSTATE %s%s",
				session->place, doing, session->user, sqlstate,
				strcmp(sqlstate, "25006") == 0
					? ": it is read-only, so a replica, or in a failover; "
					  "the host must be the writer's"
					: "");
	if (strcmp(sqlstate, "42501") == 0)
		return failure(STATUS_DENIED, "'%s' lacks a permission for %s at %s (SQLSTATE %s)",
			       session->user, doing, session->place, sqlstate);
	return failure(STATUS_INTERNAL, "%s refused %s as '%s' with SQLSTATE %s", session->place,
		       doing, session->user, sqlstate);
}
