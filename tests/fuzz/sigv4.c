/*
 * Signing: the path and query of an endpoint's URL, headers that hold a token, a key of any length.
 *
 * Input: the path, the query, the key, up to eight headers "Name: value", an empty line, the body.
 */
#include "fuzz.h"

#include "clients/aws/sigv4.h"

#include <stdlib.h>

#define HEADERS 8

/* What was encoded reads back as it was, and holds nothing that a URL or a form gives a meaning to. */
static void require_encoded(const char *text, size_t length)
{
	AUTO(buffer_clear) struct buffer encoded = BUFFER_INIT(3 * 8192);
	size_t at = 0;

	if (length > 8192 || sigv4_encode(text, length, &encoded).code != STATUS_OK)
		return;
	for (size_t i = 0; i < length; i++) {
		char digits[3] = {0};

		if (encoded.data[at] != '%') {
			REQUIRE(encoded.data[at++] == text[i]);
			REQUIRE(strchr("&=+ /?#%", text[i]) == NULL);
			continue;
		}
		memcpy(digits, encoded.data + at + 1, 2);
		REQUIRE(strtoul(digits, NULL, 16) == (unsigned char)text[i]);
		at += 3;
	}
	REQUIRE(at == encoded.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buffer_clear) struct buffer authorization = BUFFER_INIT(64 * 1024);
	AUTO(buffer_clear) struct buffer again = BUFFER_INIT(64 * 1024);
	AUTO(secret_clear) struct secret key = SECRET_INIT;
	AUTO(string_clear) char *path = NULL, *query = NULL, *word = NULL, *body = NULL;
	char *lines[HEADERS] = {NULL};
	struct http_header headers[HEADERS];
	struct input input = INPUT(data, size);
	struct sigv4_request request = {.method = "POST", .headers = headers};
	struct sigv4_scope scope = {.access_key_id = "AKIAFUZZ",
				    .secret_access_key = &key,
				    .date = "20251121T220619Z",
				    .region = "eu-west-1",
				    .service = "secretsmanager"};
	struct status status;

	request.path = path = take_line(&input);
	request.query = query = take_line(&input);
	word = take_line(&input);
	for (size_t i = 0; i < HEADERS; i++) {
		char *colon;

		lines[i] = take_line(&input);
		colon = strstr(lines[i], ": ");
		if (colon == NULL)
			break;
		*colon = '\0';
		headers[request.header_count++] = (struct http_header){lines[i], colon + 2};
	}
	request.body = body = take_rest(&input, &request.body_length);
	if (secret_make(word, strlen(word), &key).code == STATUS_OK) {
		status = sigv4_sign(&scope, &request, &authorization);
		require_sound(status);
		REQUIRE(status.code == STATUS_OK || status.code == STATUS_INVALID);
		if (status.code == STATUS_OK) {
			REQUIRE(sigv4_sign(&scope, &request, &again).code == STATUS_OK);
			REQUIRE(strcmp(authorization.data, again.data) == 0);
		}
	}
	require_encoded(path, strlen(path));
	require_encoded(body, request.body_length);
	for (size_t i = 0; i < HEADERS; i++)
		string_clear(&lines[i]);
	return 0;
}
