/*
 * ca_bundle: where this system keeps the certificates it trusts, for libraries that must be told.
 */
#ifndef CLIENTS_SQL_CA_BUNDLE_H
#define CLIENTS_SQL_CA_BUNDLE_H

#include "core/status.h"

/*
 * A PEM file that can be read: SSL_CERT_FILE, as OpenSSL has it, else the usual places of Debian,
 * Red Hat and Alpine. NULL: there is none. Owned by the environment or static.
 */
const char *ca_bundle_find(void);

/*
 * Whether there are certificates in this file: read here, for a library that could not and whose
 * reason says nothing. INVALID: it cannot be opened, or no PEM certificate is in it. UNAVAILABLE:
 * out of memory.
 */
struct status ca_bundle_check(const char *path);

#endif
