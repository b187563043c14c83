/* random: unpredictable bytes from OpenSSL's private generator. */
#ifndef CLIENTS_RANDOM_H
#define CLIENTS_RANDOM_H

#include "core/password.h"
#include "core/status.h"

/* RAND_priv_bytes(): the generator kept apart for what must stay secret. */
extern const struct random random_openssl;

#define UUID_SIZE 37

/* A random UUID (RFC 9562, version 4) with its NUL: for tokens. UNAVAILABLE: no random bytes. */
struct status random_uuid(char ret[UUID_SIZE]);

#endif
