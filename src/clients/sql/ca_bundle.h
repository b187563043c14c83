/*
 * ca_bundle: where this system keeps the certificates it trusts, for libraries that must be told.
 */
#ifndef CLIENTS_SQL_CA_BUNDLE_H
#define CLIENTS_SQL_CA_BUNDLE_H

/*
 * A PEM file that can be read: SSL_CERT_FILE, as OpenSSL has it, else the usual places of Debian,
 * Red Hat and Alpine. NULL: there is none. Owned by the environment or static.
 */
const char *ca_bundle_find(void);

#endif
