#include "clients/random.h"

#include <limits.h>
#include <openssl/rand.h>
#include <stdio.h>

static struct status fill(void *bytes, size_t length)
{
	if (length > INT_MAX)
		return failure(STATUS_INTERNAL, "%zu random bytes asked for at once", length);
	if (RAND_priv_bytes(bytes, (int)length) != 1)
		return failure(STATUS_UNAVAILABLE, "OpenSSL has no random bytes");
	return OK;
}

const struct random random_openssl = {.fill = fill};

struct status random_uuid(char ret[UUID_SIZE])
{
	unsigned char b[16];

	TRY(fill(b, sizeof(b)));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* variant 1 */
	snprintf(ret, UUID_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return OK;
}
