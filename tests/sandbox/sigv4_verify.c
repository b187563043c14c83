#include "sigv4_verify.h"

#include "sandbox.h"
#include "text.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SKEW_MS (5 * 60 * 1000)
#define SIGNED_HEADERS_MAX 32
#define HEX_SIZE (2 * SHA256_DIGEST_LENGTH + 1)

/* The Authorization header, taken apart. */
struct authorization {
	char text[2048]; /* the header's copy that the rest points into */
	const char *access_key;
	const char *date; /* the scope's four parts */
	const char *region;
	const char *service;
	const char *signed_list; /* "host;x-amz-date" */
	const char *signature;
};

[[gnu::format(printf, 2, 3)]] static struct signature_check refuse(const char *type,
								   const char *format, ...)
{
	struct signature_check check = {0};
	va_list arguments;

	format_text(check.type, sizeof(check.type), "%s", type);
	va_start(arguments, format);
	vsnprintf(check.message, sizeof(check.message), format, arguments);
	va_end(arguments);
	return check;
}

static void hex(const unsigned char digest[SHA256_DIGEST_LENGTH], char out[HEX_SIZE])
{
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
		format_text(out + 2 * i, 3, "%02x", digest[i]);
}

static void hmac(const void *key, size_t key_length, const char *text,
		 unsigned char out[SHA256_DIGEST_LENGTH])
{
	unsigned int length = SHA256_DIGEST_LENGTH;

	must(HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, strlen(text),
		  out, &length));
}

/* "Credential=AKIA…/20250131/eu-west-1/secretsmanager/aws4_request" */
static bool parse_scope(char *credential, struct authorization *ret)
{
	const char *parts[5] = {0};
	size_t count = 0;

	for (char *part; (part = strsep(&credential, "/")) != NULL;) {
		if (count == 5 || *part == '\0')
			return false;
		parts[count++] = part;
	}
	if (count != 5 || strcmp(parts[4], "aws4_request") != 0)
		return false;
	ret->access_key = parts[0];
	ret->date = parts[1];
	ret->region = parts[2];
	ret->service = parts[3];
	return true;
}

static bool parse_authorization(const char *header, struct authorization *ret)
{
	char *rest = ret->text;
	char *credential = NULL;

	if (strlen(header) >= sizeof(ret->text))
		return false;
	format_text(ret->text, sizeof(ret->text), "%s", header);
	if (strncmp(rest, ALGORITHM " ", strlen(ALGORITHM) + 1) != 0)
		return false;
	rest += strlen(ALGORITHM) + 1;
	for (char *part; (part = strsep(&rest, ",")) != NULL;) {
		part += strspn(part, " ");
		if (strncmp(part, "Credential=", 11) == 0)
			credential = part + 11;
		else if (strncmp(part, "SignedHeaders=", 14) == 0)
			ret->signed_list = part + 14;
		else if (strncmp(part, "Signature=", 10) == 0)
			ret->signature = part + 10;
		else
			return false;
	}
	return credential != NULL && ret->signed_list != NULL && ret->signature != NULL &&
	       parse_scope(credential, ret);
}

/* Is `name`, in any case, in a list "a;b;c" of lower-case names? */
static bool list_has(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; *at != '\0'; at += *at == ';') {
		size_t part = strcspn(at, ";");

		if (part == length && strncasecmp(at, name, length) == 0)
			return true;
		at += part;
	}
	return false;
}

/* Feeds text to a digest without the white space around it and with single spaces within. */
static void digest_trimmed(EVP_MD_CTX *digest, const char *text)
{
	bool gap = false;

	text += strspn(text, " \t");
	for (; *text != '\0'; text++) {
		if (*text == ' ' || *text == '\t') {
			gap = true;
			continue;
		}
		if (gap)
			EVP_DigestUpdate(digest, " ", 1);
		gap = false;
		EVP_DigestUpdate(digest, text, 1);
	}
}

static void digest_text(EVP_MD_CTX *digest, const char *text)
{
	EVP_DigestUpdate(digest, text, strlen(text));
}

/* One line "name:value" of the canonical request; values of a repeated header are joined. */
static bool digest_header(EVP_MD_CTX *digest, const struct request *request, const char *name)
{
	bool found = false;

	digest_text(digest, name);
	for (size_t i = 0; i < request->header_count; i++) {
		if (strcasecmp(request->headers[i].name, name) != 0)
			continue;
		digest_text(digest, found ? "," : ":");
		digest_trimmed(digest, request->headers[i].value);
		found = true;
	}
	digest_text(digest, "\n");
	return found;
}

/* The names must be lower case, sorted and each there: false otherwise. */
static bool digest_headers(EVP_MD_CTX *digest, const struct request *request, const char *list)
{
	AUTO(text_clear) char *copy = copy_text(list);
	char *rest = copy;
	const char *last = "";

	for (char *name; (name = strsep(&rest, ";")) != NULL; last = name) {
		for (const char *c = name; *c != '\0'; c++)
			if (isupper((unsigned char)*c))
				return false;
		if (strcmp(last, name) >= 0 || !digest_header(digest, request, name))
			return false;
	}
	return true;
}

/* The hash of the canonical request. False when no such request can exist. */
static bool hash_request(const struct request *request, const struct authorization *auth,
			 const char body_hash[HEX_SIZE], char ret[HEX_SIZE])
{
	EVP_MD_CTX *digest = must(EVP_MD_CTX_new());
	unsigned char bytes[SHA256_DIGEST_LENGTH];
	bool sound;

	EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	digest_text(digest, request->method);
	digest_text(digest, "\n/\n\n"); /* path "/" and no query: the caller has checked */
	sound = digest_headers(digest, request, auth->signed_list);
	digest_text(digest, "\n");
	digest_text(digest, auth->signed_list);
	digest_text(digest, "\n");
	digest_text(digest, body_hash);
	EVP_DigestFinal_ex(digest, bytes, NULL);
	EVP_MD_CTX_free(digest);
	hex(bytes, ret);
	return sound;
}

static void sign(const struct key *key, const struct authorization *auth, const char *date,
		 const char request_hash[HEX_SIZE], char ret[HEX_SIZE])
{
	unsigned char derived[SHA256_DIGEST_LENGTH];
	char start[64];
	char text[512];

	format_text(start, sizeof(start), "AWS4%s", key->secret_key);
	hmac(start, strlen(start), auth->date, derived);
	hmac(derived, sizeof(derived), auth->region, derived);
	hmac(derived, sizeof(derived), auth->service, derived);
	hmac(derived, sizeof(derived), "aws4_request", derived);
	format_text(text, sizeof(text), ALGORITHM "\n%s\n%s/%s/%s/aws4_request\n%s", date,
		    auth->date, auth->region, auth->service, request_hash);
	hmac(derived, sizeof(derived), text, derived);
	hex(derived, ret);
}

/* "20250131T235959Z" → Unix milliseconds; false when it is not of this form. */
static bool parse_date(const char *text, int64_t *ret)
{
	struct tm parts = {0};
	const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &parts);

	if (end == NULL || *end != '\0' || strlen(text) != 16)
		return false;
	*ret = (int64_t)timegm(&parts) * 1000;
	return true;
}

static struct signature_check check_date(const struct sandbox *sandbox, const char *date,
					 const struct authorization *auth)
{
	int64_t now = sandbox_now(sandbox);
	int64_t signed_at;
	char clock[DATE_SIZE];
	char limit[DATE_SIZE];

	if (date == NULL || !parse_date(date, &signed_at))
		return refuse(
			"IncompleteSignatureException",
			"Authorization header requires existence of either a 'X-Amz-Date' or a "
			"'Date' header.");
	if (strlen(auth->date) != 8 || strncmp(auth->date, date, 8) != 0)
		return refuse("InvalidSignatureException",
			      "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
			      "version of date from HTTP: '%s' != '%.8s', from '%s'.",
			      auth->date, date, date);
	date_compact(now, clock);
	date_compact(signed_at < now ? now - SKEW_MS : now + SKEW_MS, limit);
	if (signed_at < now - SKEW_MS)
		return refuse("InvalidSignatureException",
			      "Signature expired: %s is now earlier than %s (%s - 5 min.)", date,
			      limit, clock);
	if (signed_at > now + SKEW_MS)
		return refuse("InvalidSignatureException",
			      "Signature not yet current: %s is still later than %s (%s + 5 min.)",
			      date, limit, clock);
	return (struct signature_check){0};
}

static struct signature_check check_scope(const struct sandbox *sandbox, const char *service,
					  const struct authorization *auth)
{
	if (strcmp(auth->region, sandbox->options.region) != 0)
		return refuse("InvalidSignatureException",
			      "Credential should be scoped to a valid region, not '%s'.",
			      auth->region);
	if (strcmp(auth->service, service) != 0)
		return refuse("InvalidSignatureException",
			      "Credential should be scoped to correct service: '%s'.", service);
	return (struct signature_check){0};
}

static struct signature_check check_signed_list(const struct request *request, const char *list)
{
	if (!list_has(list, "host"))
		return refuse("InvalidSignatureException",
			      "'Host' or ':authority' must be a 'SignedHeader' in the AWS "
			      "Authorization.");
	for (size_t i = 0; i < request->header_count; i++) {
		const char *name = request->headers[i].name;

		if (strncasecmp(name, "x-amz-", 6) == 0 && !list_has(list, name))
			return refuse("InvalidSignatureException",
				      "There were headers present in the request which were not "
				      "signed: %s",
				      name);
	}
	return (struct signature_check){0};
}

static struct signature_check check_key(const struct sandbox *sandbox,
					const struct request *request, const struct key *key)
{
	const char *token = request_header(request, "x-amz-security-token");

	if (key == NULL || strcmp(token != NULL ? token : "", key->session_token) != 0)
		return refuse("UnrecognizedClientException",
			      "The security token included in the request is invalid.");
	if (key->expires_ms != 0 && key->expires_ms <= sandbox_now(sandbox))
		return refuse("ExpiredTokenException",
			      "The security token included in the request is expired");
	return (struct signature_check){0};
}

static struct signature_check check_signature(const struct request *request,
					      const struct authorization *auth,
					      const struct key *key)
{
	const char *declared = request_header(request, "x-amz-content-sha256");
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char body_hash[HEX_SIZE];
	char request_hash[HEX_SIZE];
	char expected[HEX_SIZE];

	SHA256((const unsigned char *)request->body, request->length, digest);
	hex(digest, body_hash);
	if (declared != NULL && strcmp(declared, body_hash) != 0)
		return refuse("InvalidSignatureException",
			      "The value of x-amz-content-sha256 is not the hash of the body.");
	if (hash_request(request, auth, body_hash, request_hash)) {
		sign(key, auth, request_header(request, "x-amz-date"), request_hash, expected);
		if (strlen(auth->signature) == strlen(expected) &&
		    CRYPTO_memcmp(auth->signature, expected, strlen(expected)) == 0)
			return (struct signature_check){.key = key};
	}
	return refuse("InvalidSignatureException",
		      "The request signature we calculated does not match the signature you "
		      "provided. Check your AWS Secret Access Key and signing method. Consult the "
		      "service documentation for details.");
}

struct signature_check sigv4_verify(const struct sandbox *sandbox, const struct request *request,
				    const char *service)
{
	const char *header = request_header(request, "Authorization");
	struct authorization auth = {0};
	struct signature_check check;
	const struct key *key;

	if (header == NULL)
		return refuse("MissingAuthenticationTokenException",
			      "Missing Authentication Token");
	if (!parse_authorization(header, &auth))
		return refuse("IncompleteSignatureException",
			      "Authorization header requires 'Credential', 'SignedHeaders' and "
			      "'Signature' parameters.");
	key = keys_find(sandbox, auth.access_key);
	check = check_key(sandbox, request, key);
	if (check.type[0] == '\0')
		check = check_date(sandbox, request_header(request, "x-amz-date"), &auth);
	if (check.type[0] == '\0')
		check = check_scope(sandbox, service, &auth);
	if (check.type[0] == '\0')
		check = check_signed_list(request, auth.signed_list);
	if (check.type[0] != '\0')
		return check;
	return check_signature(request, &auth, key);
}

bool sigv4_scope_service(const struct request *request, char *out, size_t size)
{
	const char *header = request_header(request, "Authorization");
	struct authorization auth = {0};

	if (header == NULL || !parse_authorization(header, &auth))
		return false;
	format_text(out, size, "%s", auth.service);
	return true;
}
