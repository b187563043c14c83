#include "clients/sql/mysql_error.h"

#include "clients/sql/ca_bundle.h"
#include "clients/sql/mysql_early.h"
#include "core/memory.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <string.h>

/* What only one of the two headers has, and the proxies'. */
enum {
	MYSQL_OFFLINE = 3032,
	MYSQL_LOCKED_OUT = 3118,
	MYSQL_INSECURE = 3159,
	MYSQL_KILLED = 3169,
	MYSQL_TIMED_OUT = 3024,
	MYSQL_TOO_MANY_FAILURES = 3955,
	MARIADB_LOCKED_OUT = 4151,
	MARIADB_KILLED = 1927,
	MARIADB_TIMED_OUT = 1969,
	PROXY_TIMED_OUT = 9501,
	PROXY_ERROR_LAST = 9599,
};

enum refusal {
	WRONG_PASSWORD,
	EXPIRED,
	LOCKED_OUT,
	NO_ACCOUNT,
	NO_DATABASE_RIGHT,
	NO_DATABASE,
	TLS_REQUIRED,
	BUSY,
	NO_PLUGIN,
	UNKNOWN_REFUSAL,
};

static const struct {
	unsigned error;
	enum refusal refusal;
} refusals[] = {
	{ER_ACCESS_DENIED_ERROR, WRONG_PASSWORD},
	{ER_ACCESS_DENIED_NO_PASSWORD_ERROR, WRONG_PASSWORD},
	{ER_MUST_CHANGE_PASSWORD_LOGIN, EXPIRED},
	{ER_MUST_CHANGE_PASSWORD, EXPIRED},
	{MYSQL_LOCKED_OUT, LOCKED_OUT},
	{MARIADB_LOCKED_OUT, LOCKED_OUT},
	{MYSQL_TOO_MANY_FAILURES, LOCKED_OUT},
	{ER_HOST_NOT_PRIVILEGED, NO_ACCOUNT},
	{ER_DBACCESS_DENIED_ERROR, NO_DATABASE_RIGHT},
	{ER_BAD_DB_ERROR, NO_DATABASE},
	{MYSQL_INSECURE, TLS_REQUIRED},
	{ER_HOST_IS_BLOCKED, BUSY},
	{ER_CON_COUNT_ERROR, BUSY},
	{ER_TOO_MANY_USER_CONNECTIONS, BUSY},
	{ER_USER_LIMIT_REACHED, BUSY},
	{ER_SERVER_SHUTDOWN, BUSY},
	{ER_OUT_OF_RESOURCES, BUSY},
	{ER_OUTOFMEMORY, BUSY},
	{MARIADB_KILLED, BUSY},
	{MYSQL_OFFLINE, BUSY},
	{PROXY_TIMED_OUT, BUSY},
	{CR_AUTH_PLUGIN_CANNOT_LOAD, NO_PLUGIN},
	{CR_AUTH_PLUGIN_ERR, NO_PLUGIN},
	{ER_PLUGIN_IS_NOT_LOADED, NO_PLUGIN},
#ifdef CR_PLUGIN_NOT_ALLOWED
	{CR_PLUGIN_NOT_ALLOWED, NO_PLUGIN},
#endif
};

static enum refusal recognise(unsigned error)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].error == error)
			return refusals[i].refusal;
	return UNKNOWN_REFUSAL;
}

static struct status refused(const struct mysql *session, unsigned error)
{
	const char *place = session->place;
	const char *user = session->user;

	switch (recognise(error)) {
	case WRONG_PASSWORD:
		if (session->kind == LOGIN_PROXY)
			return failure(
				STATUS_DENIED,
				"wrong password for '%s' at %s (error %u): the proxy's "
				"secret for this user holds another one, is not attached, or "
				"the proxy has not read it yet",
				user, place, error);
		return failure(STATUS_DENIED,
			       "wrong password for '%s' at %s (error %u); it says the same when "
			       "there is no such user, or none from this host%s",
			       user, place, error, session->tls ? "" : ", or only with TLS");
	case EXPIRED:
		return failure(STATUS_DENIED,
			       "the password of '%s' at %s has expired (error %u): set it anew as "
			       "an administrator, or name an admin secret",
			       user, place, error);
	case LOCKED_OUT:
		return failure(
			STATUS_DENIED,
			"the account of '%s' at %s is locked (error %u): unlock it (ALTER "
			"USER ... ACCOUNT UNLOCK), or wait if wrong passwords have locked it",
			user, place, error);
	case NO_ACCOUNT:
		return failure(STATUS_DENIED,
			       "%s has no account that lets anybody in from here (error %u): "
			       "create '%s' for this host or for '%%'",
			       place, error, user);
	case NO_DATABASE_RIGHT:
		return failure(STATUS_DENIED,
			       "'%s' may not use the database '%s' at %s (error %u): grant a "
			       "privilege on it, or correct \"dbname\" in the secret",
			       user, session->dbname, place, error);
	case NO_DATABASE:
		return failure(
			STATUS_INVALID,
			"no database '%s' at %s (error %u): correct \"dbname\" in the secret",
			session->dbname, place, error);
	case TLS_REQUIRED:
		return failure(STATUS_INVALID,
			       "%s takes TLS connections only (error %u): remove \"ssl\": false "
			       "from the secret",
			       place, error);
	case BUSY:
		return failure(STATUS_UNAVAILABLE,
			       "%s cannot take '%s' now (error %u): it is starting, stopping, "
			       "switching over, out of connections, or blocks this host",
			       place, user, error);
	case NO_PLUGIN:
		return failure(
			STATUS_INVALID,
			"'%s' is to log in at %s by an authentication plugin that is not at hand, "
			"or shows the password (error %u): use caching_sha2_password or "
			"mysql_native_password, and install the client library's plugins",
			user, place, error);
	case UNKNOWN_REFUSAL:
		break;
	}
	return failure(STATUS_UNAVAILABLE,
		       "%s turned '%s' away with error %u; its own log says why", place, user,
		       error);
}

static bool says_one_of(const char *message, const char *const *signs)
{
	for (; *signs != NULL; signs++)
		if (strstr(message, *signs) != NULL)
			return true;
	return false;
}

/* The library's own texts and OpenSSL's: English, since this program never calls setlocale(). */
static struct status tls_error(const struct mysql *session, const char *message)
{
	static const char *const broken[] = {"reset by peer", "Broken pipe", "eof",   "EOF",
					     "timed out",     "(110)",	     "(104)", NULL};
	static const char *const unverified[] = {"certificate verify failed",
						 "self-signed",
						 "self signed",
						 "issuer certificate",
						 "expired",
						 "not yet valid",
						 NULL};
	enum place_tls why;

	/* For want of memory OpenSSL finds certificates invalid. */
	if (memory_failures() != 0)
		return failure(STATUS_UNAVAILABLE,
			       "out of memory, now or before, while logging in at %s as '%s'",
			       session->place, session->user);
	if (mysql_early_is_over())
		return mysql_broken_error(session);
	if (says_one_of(message, broken) && !says_one_of(message, unverified))
		return mysql_broken_error(session);
	why = strstr(message, "does not support it") != NULL	     ? TLS_NOT_OFFERED
	      : strstr(message, "server certificate failed") != NULL ? TLS_OTHER_NAME
	      : says_one_of(message, unverified)		     ? TLS_UNVERIFIED
								     : TLS_NOT_AGREED;
	if (why == TLS_NOT_AGREED)
		TRY_WHILE(ca_bundle_check(session->ca_file), "no CA certificates to verify %s (%s)",
			  session->place, place_ca_variable(session->kind));
	return place_tls_error(why, session->kind, session->place, session->ca_file);
}

struct status mysql_late_error(const struct mysql *session)
{
	return failure(STATUS_UNAVAILABLE,
		       "%s did not answer '%s' in time: check that security groups, routes and the "
		       "server let this function through",
		       session->place, session->user);
}

struct status mysql_broken_error(const struct mysql *session)
{
	return failure(STATUS_UNAVAILABLE,
		       "%s broke off the connection of '%s', or does not answer as MySQL does",
		       session->place, session->user);
}

/* Whoever is on the way could have said it, so the library does not tell what it was. */
static bool is_from_before_tls(const struct mysql *session)
{
	return strstr(mysql_error(session->handle), "Received error packet before completion") !=
	       NULL;
}

struct status mysql_login_error(const struct mysql *session)
{
	unsigned error = mysql_errno(session->handle);

	if (session->tls && is_from_before_tls(session))
		return failure(STATUS_UNAVAILABLE,
			       "%s answered with an error before TLS: it is starting, out of "
			       "connections, or blocks this host",
			       session->place);
	switch (error) {
	case CR_SSL_CONNECTION_ERROR:
		return tls_error(session, mysql_error(session->handle));
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case CR_IPSOCK_ERROR:
	case CR_UNKNOWN_HOST:
		return failure(STATUS_UNAVAILABLE,
			       "nothing answers at %s (error %u): the server is down, no route, or "
			       "host or port is wrong",
			       session->place, error);
	case CR_OUT_OF_MEMORY:
		return OUT_OF_MEMORY;
	default:
		if (recognise(error) == UNKNOWN_REFUSAL && mysql_is_library(error))
			return mysql_broken_error(session);
		return refused(session, error);
	}
}

bool mysql_is_library(unsigned error)
{
	return (error >= CR_MIN_ERROR && error <= CR_MAX_ERROR) || (error >= 5000 && error <= 5999);
}

bool mysql_is_denied(unsigned error)
{
	static const unsigned denials[] = {
		ER_ACCESS_DENIED_ERROR,		 ER_DBACCESS_DENIED_ERROR,
		ER_TABLEACCESS_DENIED_ERROR,	 ER_COLUMNACCESS_DENIED_ERROR,
		ER_SPECIFIC_ACCESS_DENIED_ERROR, ER_PROCACCESS_DENIED_ERROR,
		ER_PASSWORD_NOT_ALLOWED,	 ER_CANT_CREATE_USER_WITH_GRANT,
	};

	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++)
		if (denials[i] == error)
			return true;
	return false;
}

static bool heals(unsigned error)
{
	static const unsigned healing[] = {
		ER_LOCK_WAIT_TIMEOUT,  ER_LOCK_DEADLOCK,	 ER_QUERY_INTERRUPTED,
		ER_SERVER_SHUTDOWN,    MARIADB_KILLED,		 ER_OUT_OF_RESOURCES,
		ER_OUTOFMEMORY,	       ER_CON_COUNT_ERROR,	 ER_USER_LIMIT_REACHED,
		ER_UNKNOWN_COM_ERROR, /* Galera: the node is not ready */
		MARIADB_TIMED_OUT,     MYSQL_TIMED_OUT,		 MYSQL_KILLED,
		MYSQL_OFFLINE,	       ER_NET_READ_ERROR,	 ER_NET_READ_INTERRUPTED,
		ER_NET_ERROR_ON_WRITE, ER_NET_WRITE_INTERRUPTED,
	};

	for (size_t i = 0; i < sizeof(healing) / sizeof(healing[0]); i++)
		if (healing[i] == error)
			return true;
	return error >= PROXY_TIMED_OUT && error <= PROXY_ERROR_LAST;
}

struct status mysql_statement_error(const struct mysql *session, unsigned error, const char *doing)
{
	if (error == ER_OPTION_PREVENTS_STATEMENT || error == ER_READ_ONLY_MODE ||
	    error == ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
		return failure(
			STATUS_UNAVAILABLE,
			"%s gave up %s as '%s' with error %u: it is read-only, so a replica, "
			"or in a failover; the host must be the writer's",
			session->place, doing, session->user, error);
	if (heals(error))
		return failure(STATUS_UNAVAILABLE, "%s gave up %s as '%s' with error %u",
			       session->place, doing, session->user, error);
	if (recognise(error) == EXPIRED)
		return refused(session, error);
	if (mysql_is_denied(error))
		return failure(STATUS_DENIED, "'%s' lacks a permission for %s at %s (error %u)",
			       session->user, doing, session->place, error);
	return failure(STATUS_INTERNAL, "%s refused %s as '%s' with error %u", session->place,
		       doing, session->user, error);
}
