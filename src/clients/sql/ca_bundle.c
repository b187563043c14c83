#include "clients/sql/ca_bundle.h"

#include "core/memory.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

const char *ca_bundle_find(void)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/cert.pem",
	};
	const char *named = getenv("SSL_CERT_FILE");

	if (named != NULL && named[0] != '\0')
		return named;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

static void store_free(X509_STORE **store)
{
	X509_STORE_free(*store);
}

struct status ca_bundle_check(const char *path)
{
	AUTO(store_free) X509_STORE *store = NULL;
	unsigned long failures = memory_failures();
	unsigned long error;
	bool loaded;

	ERR_clear_error();
	store = X509_STORE_new();
	loaded = store != NULL && X509_STORE_load_file(store, path) == 1;
	error = ERR_get_error();
	ERR_clear_error();
	if (loaded)
		return OK;
	/* fopen() allocates by itself, which is not counted. */
	if (memory_failures() != failures ||
	    (ERR_SYSTEM_ERROR(error) && ERR_GET_REASON(error) == ENOMEM))
		return OUT_OF_MEMORY;
	return failure(STATUS_INVALID, "'%s' cannot be read as PEM; name a file that can", path);
}
