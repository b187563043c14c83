#include "clients/sql/place.h"

#include "clients/sql/ca_bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void place_describe(const struct login *login, char ret[static PLACE_MAX])
{
	bool bracket = strchr(login->host, ':') != NULL;

	snprintf(ret, PLACE_MAX, "the %s at %s%s%s:%u",
		 login->kind == LOGIN_PROXY ? "proxy" : "database", bracket ? "[" : "", login->host,
		 bracket ? "]" : "", login->port);
}

struct status place_check_host(const char *host)
{
	if (host == NULL || host[0] == '\0')
		return failure(STATUS_INVALID, "the database's host is empty");
	if (strlen(host) > PLACE_HOST_MAX || strpbrk(host, "/@,;=") != NULL)
		return failure(STATUS_INVALID,
			       "the database's host is not one host name or IP address: '%.64s'",
			       host);
	return OK;
}

struct status place_check_password(const char *user, const struct secret *password)
{
	if (secret_empty(password))
		return failure(STATUS_INVALID, "the password of '%s' is empty", user);
	if (strlen(secret_reveal(password)) != secret_length(password))
		return failure(STATUS_INVALID, "the password of '%s' contains a NUL", user);
	return OK;
}

const char *place_ca_variable(enum login_kind kind)
{
	return kind == LOGIN_PROXY ? "TANDEM_PROXY_CA" : "TANDEM_DATABASE_CA";
}

struct status place_find_ca(const struct login *login, const char *place, const char **ret)
{
	const char *file = login->ca_file != NULL ? login->ca_file : ca_bundle_find();

	if (file == NULL || access(file, R_OK) != 0)
		return place_ca_error(login->kind, place, file);
	*ret = file;
	return OK;
}

struct status place_ca_error(enum login_kind kind, const char *place, const char *ca_file)
{
	const char *variable = place_ca_variable(kind);

	if (ca_file == NULL)
		return failure(
			STATUS_INVALID,
			"no CA certificates to verify %s: the system has none; set %s to a PEM "
			"file",
			place, variable);
	TRY_WHILE(ca_bundle_check(ca_file), "no CA certificates to verify %s (%s)", place,
		  variable);
	return failure(STATUS_UNAVAILABLE,
		       "no CA certificates to verify %s (%s): '%s' could not be read, and now can: "
		       "out of memory, or it was being replaced",
		       place, variable, ca_file);
}

struct status place_tls_error(enum place_tls why, enum login_kind kind, const char *place,
			      const char *ca_file)
{
	const char *variable = place_ca_variable(kind);

	switch (why) {
	case TLS_NOT_OFFERED:
		return failure(STATUS_INVALID,
			       "TLS: %s does not offer it, and nothing is sent without; switch it "
			       "on at the server",
			       place);
	case TLS_OTHER_NAME:
		return failure(STATUS_INVALID,
			       "TLS: the certificate of %s is for another host name; use the name "
			       "in the certificate (%s cannot mend this)",
			       place, variable);
	case TLS_UNVERIFIED:
		return failure(STATUS_INVALID,
			       "TLS: the certificate of %s is not signed by a CA in '%s', or has "
			       "expired; set %s to the PEM file of its CA",
			       place, ca_file, variable);
	case TLS_NOT_AGREED:
		break;
	}
	return failure(STATUS_INVALID,
		       "TLS: no connection to %s could be agreed; it needs TLS 1.2 or later and a "
		       "certificate signed by a CA in '%s' (%s)",
		       place, ca_file, variable);
}

void place_forget_variables(const char *prefix)
{
	char **variable = environ;

	while (variable != NULL && *variable != NULL) {
		char name[64];
		size_t length = strcspn(*variable, "=");

		if (strncmp(*variable, prefix, strlen(prefix)) != 0 || length >= sizeof(name)) {
			variable++;
			continue;
		}
		memcpy(name, *variable, length);
		name[length] = '\0';
		if (unsetenv(name) != 0)
			variable++;
	}
}
