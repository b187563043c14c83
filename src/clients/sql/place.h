/*
 * place: what every engine's client does with the place of a login: names it in messages, checks that
 * it is one host, and finds the certificates that its TLS is verified with.
 */
#ifndef CLIENTS_SQL_PLACE_H
#define CLIENTS_SQL_PLACE_H

#include "core/database.h"

/* DNS allows 253 characters. */
#define PLACE_HOST_MAX 255
#define PLACE_MAX (PLACE_HOST_MAX + 32)

/* "the database at host:port", "the proxy at [::1]:port". */
void place_describe(const struct login *, char ret[static PLACE_MAX]);

/* INVALID: a path, which would be a Unix socket, or several hosts: neither is what a certificate names.
 */
struct status place_check_host(const char *host);

/* INVALID: empty, or with a NUL in it, which no client library would take whole. */
struct status place_check_password(const char *user, const struct secret *password);

/* The variable that names the CA file of such a login: TANDEM_DATABASE_CA or TANDEM_PROXY_CA. */
const char *place_ca_variable(enum login_kind);

/*
 * The PEM file to verify this login's TLS with: its own, else the system's. Owned by the login or the
 * environment. INVALID: there is none that can be read.
 */
struct status place_find_ca(const struct login *, const char *place, const char **ret);

/*
 * Why certificates in `ca_file` (NULL: there is none) could not be read; never OK. INVALID, naming the
 * variable to set, when it is the file's fault, which is looked at again here; else UNAVAILABLE: out
 * of memory.
 */
struct status place_ca_error(enum login_kind, const char *place, const char *ca_file);

/* Why TLS with this place came to nothing, where its client library's reason is known; INVALID. */
enum place_tls {
	TLS_NOT_OFFERED,
	TLS_OTHER_NAME, /* the certificate is for another host */
	TLS_UNVERIFIED, /* it is signed by nobody in `ca_file`, or has expired */
	TLS_NOT_AGREED, /* anything else */
};

struct status place_tls_error(enum place_tls, enum login_kind, const char *place,
			      const char *ca_file);

/*
 * Takes every variable out of the environment whose name begins so. Client libraries let some of theirs
 * overrule what they are told, or open files; none of those may decide how a session is made.
 */
void place_forget_variables(const char *prefix);

#endif
