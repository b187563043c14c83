/*
 * mysql_hash: passwords in the forms in which MySQL and MariaDB keep them.
 *
 * Internal to clients/sql/mysql*. For a server that would log a password sent in clear, and to see
 * whether an account has a password already, without a login that could fail and lock it.
 */
#ifndef CLIENTS_SQL_MYSQL_HASH_H
#define CLIENTS_SQL_MYSQL_HASH_H

#include "core/secret.h"
#include "core/status.h"

#include <stdbool.h>

/* "*" and 40 hexadecimal digits, with the NUL. */
#define MYSQL_NATIVE_HASH_SIZE 42

/* mysql_native_password: SHA-1 of SHA-1. UNAVAILABLE: OpenSSL had no memory. */
struct status mysql_native_hash(const struct secret *password,
				char ret[static MYSQL_NATIVE_HASH_SIZE]);

/*
 * Is `stored`, an account's authentication_string, of this password? False also where its form is not
 * known: mysql_native_password's, caching_sha2_password's ("$A$005$", salt, SHA-crypt) and
 * sha256_password's ("$5$…") are. UNAVAILABLE: OpenSSL had no memory.
 */
struct status mysql_hash_matches(const char *stored, const struct secret *password, bool *ret);

#endif
