/*
 * Four hashes in a row: of the body, of the request brought into one form, of that with its scope,
 * and the HMAC of that under a key derived for one day, region and service.
 */
#include "clients/aws/sigv4.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <strings.h>

#define HASH_BYTES 32
#define HEX_SIZE (2 * HASH_BYTES + 1)
#define HEADERS_MAX 32
#define PARAMETERS_MAX 64
#define TEXT_LIMIT (64 * 1024)
#define KEY_LIMIT 512

static void hex(const unsigned char bytes[HASH_BYTES], char ret[HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < HASH_BYTES; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * HASH_BYTES] = '\0';
}

static struct status hash_hex(const void *bytes, size_t length, char ret[HEX_SIZE])
{
	unsigned char hash[HASH_BYTES];

	if (EVP_Digest(bytes, length, hash, NULL, EVP_sha256(), NULL) != 1)
		return failure(STATUS_UNAVAILABLE, "OpenSSL cannot compute SHA-256");
	hex(hash, ret);
	return OK;
}

static struct status hmac(const void *key, size_t key_length, const char *text,
			  unsigned char ret[HASH_BYTES])
{
	if (HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, strlen(text), ret,
		 NULL) == NULL)
		return failure(STATUS_UNAVAILABLE, "OpenSSL cannot compute HMAC-SHA-256");
	return OK;
}

static bool unreserved(unsigned char c)
{
	return (c < 128 && isalnum(c)) || c == '-' || c == '_' || c == '.' || c == '~';
}

static struct status encode(const char *text, size_t length, const char *kept, struct buffer *ret)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (unreserved(c) || (c != '\0' && strchr(kept, c) != NULL))
			TRY(buffer_append(ret, &text[i], 1));
		else
			TRY(buffer_printf(ret, "%%%02X", c));
	}
	return OK;
}

struct status sigv4_encode(const char *text, size_t length, struct buffer *ret)
{
	return encode(text, length, "", ret);
}

struct piece {
	const char *text;
	size_t length;
};

struct parameter {
	struct piece name, value;
};

static int compare_pieces(struct piece a, struct piece b)
{
	size_t shorter = a.length < b.length ? a.length : b.length;
	int order = memcmp(a.text, b.text, shorter);

	if (order != 0)
		return order;
	return (a.length > b.length) - (a.length < b.length);
}

static bool parameter_before(const struct parameter *a, const struct parameter *b)
{
	int order = compare_pieces(a->name, b->name);

	return order < 0 || (order == 0 && compare_pieces(a->value, b->value) < 0);
}

/* Sorted by name, then value; "name" alone becomes "name=". */
static struct status append_query(const char *query, struct buffer *ret)
{
	struct parameter parameters[PARAMETERS_MAX];
	size_t count = 0;

	while (query != NULL && *query != '\0') {
		size_t length = strcspn(query, "&"), name = strcspn(query, "&=");
		size_t skip = name < length ? name + 1 : name;
		struct parameter next = {{query, name}, {query + skip, length - skip}};
		size_t at = count;

		if (count == PARAMETERS_MAX)
			return failure(STATUS_INVALID, "more than %d query parameters to sign",
				       PARAMETERS_MAX);
		for (; at > 0 && parameter_before(&next, &parameters[at - 1]); at--)
			parameters[at] = parameters[at - 1];
		parameters[at] = next;
		count += length > 0;
		query += length + (query[length] == '&');
	}
	for (size_t i = 0; i < count; i++)
		TRY(buffer_printf(ret, "%s%.*s=%.*s", i > 0 ? "&" : "",
				  (int)parameters[i].name.length, parameters[i].name.text,
				  (int)parameters[i].value.length, parameters[i].value.text));
	return OK;
}

/* A header's value without space around it, and one space wherever there were several inside. */
static struct status append_trimmed(const char *value, struct buffer *ret)
{
	const char *at = value + strspn(value, " \t");

	while (*at != '\0') {
		size_t word = strcspn(at, " \t");
		size_t gap = strspn(at + word, " \t");

		TRY(buffer_append(ret, at, word));
		at += word + gap;
		if (*at != '\0')
			TRY(buffer_append(ret, " ", 1));
	}
	return OK;
}

/*
 * Sorted by name alone: sorting whole lines would put "a-b:" before "a:". A name that comes twice
 * is one line, its values in the order given.
 */
static struct status append_headers(const struct sigv4_request *request, struct buffer *ret,
				    struct buffer *names)
{
	const struct http_header *sorted[HEADERS_MAX];
	size_t count = request->header_count;

	if (count > HEADERS_MAX)
		return failure(STATUS_INVALID, "more than %d headers to sign", HEADERS_MAX);
	for (size_t i = 0; i < count; i++) {
		size_t at = i;

		for (; at > 0 && strcasecmp(request->headers[i].name, sorted[at - 1]->name) < 0;
		     at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &request->headers[i];
	}
	for (size_t i = 0; i < count; i++) {
		bool repeated = i > 0 && strcasecmp(sorted[i]->name, sorted[i - 1]->name) == 0;

		for (const char *c = sorted[i]->name; !repeated && *c != '\0'; c++) {
			char lower = (char)tolower((unsigned char)*c);

			if (c == sorted[i]->name && i > 0)
				TRY(buffer_append(names, ";", 1));
			TRY(buffer_append(names, &lower, 1));
			TRY(buffer_append(ret, &lower, 1));
		}
		TRY(buffer_append(ret, repeated ? "," : ":", 1));
		TRY(append_trimmed(sorted[i]->value, ret));
		if (i + 1 == count || strcasecmp(sorted[i]->name, sorted[i + 1]->name) != 0)
			TRY(buffer_append(ret, "\n", 1));
	}
	return OK;
}

struct status sigv4_canonical_request(const struct sigv4_request *request, struct buffer *ret,
				      struct buffer *ret_signed_headers)
{
	const char *path = *request->path != '\0' ? request->path : "/";
	char hash[HEX_SIZE];

	TRY(buffer_printf(ret, "%s\n", request->method));
	if (request->path_is_canonical)
		TRY(buffer_append_string(ret, path));
	else
		TRY(encode(path, strlen(path), "/", ret));
	TRY(buffer_append(ret, "\n", 1));
	TRY(append_query(request->query, ret));
	TRY(buffer_append(ret, "\n", 1));
	TRY(append_headers(request, ret, ret_signed_headers));
	TRY(hash_hex(request->body, request->body_length, hash));
	return buffer_printf(ret, "\n%s\n%s", buffer_string(ret_signed_headers), hash);
}

/* HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request") */
static struct status derive_key(const struct sigv4_scope *scope, const char *day,
				unsigned char ret[HASH_BYTES])
{
	AUTO(buffer_clear) struct buffer first = BUFFER_INIT(KEY_LIMIT);

	TRY(buffer_append(&first, "AWS4", 4));
	TRY_WHILE(buffer_append(&first, secret_reveal(scope->secret_access_key),
				secret_length(scope->secret_access_key)),
		  "reading the secret access key");
	TRY(hmac(first.data, first.length, day, ret));
	TRY(hmac(ret, HASH_BYTES, scope->region, ret));
	TRY(hmac(ret, HASH_BYTES, scope->service, ret));
	return hmac(ret, HASH_BYTES, "aws4_request", ret);
}

static struct status sign(const struct sigv4_scope *scope, const char *day, const char *text,
			  char ret[HEX_SIZE])
{
	unsigned char key[HASH_BYTES] = {0}, signature[HASH_BYTES];
	struct status status = derive_key(scope, day, key);

	if (status.code == STATUS_OK)
		status = hmac(key, sizeof(key), text, signature);
	OPENSSL_cleanse(key, sizeof(key));
	if (status.code == STATUS_OK)
		hex(signature, ret);
	return status;
}

struct status sigv4_sign(const struct sigv4_scope *scope, const struct sigv4_request *request,
			 struct buffer *ret)
{
	AUTO(buffer_clear) struct buffer canonical = BUFFER_INIT(TEXT_LIMIT);
	AUTO(buffer_clear) struct buffer names = BUFFER_INIT(TEXT_LIMIT);
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(TEXT_LIMIT);
	char hash[HEX_SIZE], signature[HEX_SIZE], day[9];

	memcpy(day, scope->date, 8);
	day[8] = '\0';
	TRY(sigv4_canonical_request(request, &canonical, &names));
	TRY(hash_hex(canonical.data, canonical.length, hash));
	TRY(buffer_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", scope->date,
			  day, scope->region, scope->service, hash));
	TRY(sign(scope, day, text.data, signature));
	return buffer_printf(ret,
			     "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, "
			     "SignedHeaders=%s, Signature=%s",
			     scope->access_key_id, day, scope->region, scope->service,
			     buffer_string(&names), signature);
}

void sigv4_date(time_t when, char ret[SIGV4_DATE_SIZE])
{
	struct tm utc;

	gmtime_r(&when, &utc);
	if (strftime(ret, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc) == 0)
		ret[0] = '\0'; /* a year of five digits: the service will refuse it */
}
