/*
 * SHA-crypt is Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512"; MySQL has it with a salt of 20
 * bytes, which libcrypt does not take (sql/auth/sha2_password.cc, mysys/crypt_genhash_impl.cc).
 */
#include "clients/sql/mysql_hash.h"

#include "core/memory.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA256_SIZE 32
#define SALT_SIZE 20
#define SHA_CRYPT_SIZE 43 /* in its base 64 */
#define ROUNDS_MAX 999999

struct digest {
	EVP_MD_CTX *context;
	bool failed;
};

static void digest_clear(struct digest *digest)
{
	EVP_MD_CTX_free(digest->context);
	digest->context = NULL;
}

static void begin(struct digest *digest)
{
	if (digest->context == NULL)
		digest->context = EVP_MD_CTX_new();
	digest->failed |= digest->context == NULL ||
			  EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1;
}

static void add(struct digest *digest, const void *bytes, size_t length)
{
	digest->failed = digest->failed || EVP_DigestUpdate(digest->context, bytes, length) != 1;
}

static void end(struct digest *digest, unsigned char ret[static SHA256_SIZE])
{
	digest->failed = digest->failed || EVP_DigestFinal_ex(digest->context, ret, NULL) != 1;
}

/* `bytes` over and over, `length` in all. */
static void add_repeated(struct digest *digest, const unsigned char bytes[static SHA256_SIZE],
			 size_t length)
{
	for (; length > SHA256_SIZE; length -= SHA256_SIZE)
		add(digest, bytes, SHA256_SIZE);
	add(digest, bytes, length);
}

static void first_digest(struct digest *digest, const char *password, size_t length,
			 const char *salt, unsigned char ret[static SHA256_SIZE])
{
	begin(digest);
	add(digest, password, length);
	add(digest, salt, SALT_SIZE);
	add(digest, password, length);
	end(digest, ret);
	begin(digest);
	add(digest, password, length);
	add(digest, salt, SALT_SIZE);
	add_repeated(digest, ret, length);
	for (size_t bits = length; bits > 0; bits >>= 1)
		if (bits & 1)
			add(digest, ret, SHA256_SIZE);
		else
			add(digest, password, length);
	end(digest, ret);
}

static void digest_of_repeated(struct digest *digest, const char *bytes, size_t length,
			       size_t times, unsigned char ret[static SHA256_SIZE])
{
	begin(digest);
	for (; times > 0; times--)
		add(digest, bytes, length);
	end(digest, ret);
}

static void stretch(struct digest *digest, long rounds, size_t length,
		    const unsigned char of_password[static SHA256_SIZE],
		    const unsigned char of_salt[static SHA256_SIZE],
		    unsigned char state[static SHA256_SIZE])
{
	for (long round = 0; round < rounds; round++) {
		begin(digest);
		if (round & 1)
			add_repeated(digest, of_password, length);
		else
			add(digest, state, SHA256_SIZE);
		if (round % 3 != 0)
			add_repeated(digest, of_salt, SALT_SIZE);
		if (round % 7 != 0)
			add_repeated(digest, of_password, length);
		if (round & 1)
			add(digest, state, SHA256_SIZE);
		else
			add_repeated(digest, of_password, length);
		end(digest, state);
	}
}

/* Three bytes are four characters; which three, SHA-crypt shuffles. */
static void encode(const unsigned char state[static SHA256_SIZE], char ret[static SHA_CRYPT_SIZE])
{
	static const char digits[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t a = 0, b = 10, c = 20;

	for (int group = 0; group < 10; group++) {
		unsigned long bits = ((unsigned long)state[a] << 16) |
				     ((unsigned long)state[b] << 8) | state[c];
		size_t first = a;

		for (int i = 0; i < 4; i++, bits >>= 6)
			*ret++ = digits[bits & 0x3f];
		a = c + 1;
		c = b + 1;
		b = first + 1;
	}
	for (unsigned long bits = ((unsigned long)state[31] << 8) | state[30], i = 0; i < 3;
	     i++, bits >>= 6)
		*ret++ = digits[bits & 0x3f];
}

static bool sha_crypt(const char *password, size_t length, const char *salt, long rounds,
		      char ret[static SHA_CRYPT_SIZE])
{
	AUTO(digest_clear) struct digest digest = {0};
	unsigned char state[SHA256_SIZE] = {0}, of_password[SHA256_SIZE] = {0};
	unsigned char of_salt[SHA256_SIZE] = {0};

	first_digest(&digest, password, length, salt, state);
	digest_of_repeated(&digest, password, length, length, of_password);
	digest_of_repeated(&digest, salt, SALT_SIZE, digest.failed ? 0 : 16 + (size_t)state[0],
			   of_salt);
	if (!digest.failed)
		stretch(&digest, rounds, length, of_password, of_salt, state);
	if (!digest.failed)
		encode(state, ret);
	OPENSSL_cleanse(state, sizeof(state));
	OPENSSL_cleanse(of_password, sizeof(of_password));
	OPENSSL_cleanse(of_salt, sizeof(of_salt));
	return !digest.failed;
}

struct status mysql_native_hash(const struct secret *password,
				char ret[static MYSQL_NATIVE_HASH_SIZE])
{
	unsigned char once[EVP_MAX_MD_SIZE], twice[EVP_MAX_MD_SIZE];
	bool done = EVP_Digest(secret_reveal(password), secret_length(password), once, NULL,
			       EVP_sha1(), NULL) == 1 &&
		    EVP_Digest(once, 20, twice, NULL, EVP_sha1(), NULL) == 1;

	OPENSSL_cleanse(once, sizeof(once));
	if (!done)
		return OUT_OF_MEMORY;
	*ret++ = '*';
	for (int i = 0; i < 20; i++, ret += 2)
		snprintf(ret, 3, "%02X", twice[i]);
	return OK;
}

/* "$A$005$" counts thousands of rounds; "$5$" has five of them, and a "$" behind its salt. */
static bool find_parts(const char *stored, const char **salt, const char **hash, long *rounds)
{
	size_t length = strlen(stored);

	if (strncmp(stored, "$A$", 3) == 0 && length == 7 + SALT_SIZE + SHA_CRYPT_SIZE) {
		char *end;

		*rounds = stored[6] == '$' ? strtol(stored + 3, &end, 16) * 1000 : 0;
		*salt = stored + 7;
		*hash = *salt + SALT_SIZE;
		return *rounds > 0 && *rounds <= ROUNDS_MAX && end == stored + 6;
	}
	*rounds = 5000;
	*salt = stored + 3;
	*hash = *salt + SALT_SIZE + 1;
	return strncmp(stored, "$5$", 3) == 0 && length == 4 + SALT_SIZE + SHA_CRYPT_SIZE &&
	       (*salt)[SALT_SIZE] == '$';
}

struct status mysql_hash_matches(const char *stored, const struct secret *password, bool *ret)
{
	const char *salt, *hash;
	char native[MYSQL_NATIVE_HASH_SIZE], made[SHA_CRYPT_SIZE];
	long rounds;

	if (stored[0] == '*') {
		TRY(mysql_native_hash(password, native));
		*ret = strcmp(stored, native) == 0;
		return OK;
	}
	if (!find_parts(stored, &salt, &hash, &rounds)) {
		*ret = false;
		return OK;
	}
	if (!sha_crypt(secret_reveal(password), secret_length(password), salt, rounds, made))
		return OUT_OF_MEMORY;
	*ret = memcmp(made, hash, SHA_CRYPT_SIZE) == 0;
	return OK;
}
