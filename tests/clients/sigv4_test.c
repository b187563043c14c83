/* sigv4 against signatures made by botocore (vectors/generate_sigv4.py). */
#include "test.h"

#include "clients/aws/sigv4.h"
#include "clients/vectors/vectors.h"
#include "core/memory.h"

#define HEADERS_MAX 16

static cJSON *vectors;

static int read_vectors(void **state)
{
	(void)state;
	vectors = vectors_read("tests/clients/vectors/sigv4.json");
	return vectors != NULL ? 0 : -1;
}

static int forget_vectors(void **state)
{
	(void)state;
	cJSON_Delete(vectors);
	return 0;
}

static struct sigv4_request request_of(const cJSON *vector, struct http_header *headers)
{
	struct sigv4_request request = {.method = vector_text(vector, "method"),
					.path = vector_text(vector, "path"),
					.query = vector_text(vector, "query"),
					.headers = headers,
					.body = vector_text(vector, "body"),
					.body_length = strlen(vector_text(vector, "body"))};
	const cJSON *pair;

	request.path_is_canonical = vector_flag(vector, "path_is_canonical");
	cJSON_ArrayForEach(pair, cJSON_GetObjectItem(vector, "headers"))
	{
		assert_true(request.header_count < HEADERS_MAX);
		headers[request.header_count++] = (struct http_header){
			cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0)),
			cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1))};
	}
	return request;
}

static void sigv4_every_vector_gives_botocores_canonical_request(void **state)
{
	const cJSON *vector;
	int count = 0;

	(void)state;
	cJSON_ArrayForEach(vector, vectors)
	{
		AUTO(buffer_clear) struct buffer canonical = BUFFER_INIT(65536);
		AUTO(buffer_clear) struct buffer names = BUFFER_INIT(65536);
		struct http_header headers[HEADERS_MAX];
		struct sigv4_request request = request_of(vector, headers);

		print_message("%s\n", vector_text(vector, "name"));
		assert_ok(sigv4_canonical_request(&request, &canonical, &names));
		assert_string_equal(buffer_string(&canonical), vector_text(vector, "canonical"));
		count++;
	}
	assert_true(count >= 17);
}

static void sigv4_every_vector_gives_botocores_authorization(void **state)
{
	const cJSON *vector;

	(void)state;
	cJSON_ArrayForEach(vector, vectors)
	{
		AUTO(buffer_clear) struct buffer authorization = BUFFER_INIT(4096);
		AUTO(secret_clear) struct secret key = SECRET_INIT;
		struct http_header headers[HEADERS_MAX];
		struct sigv4_request request = request_of(vector, headers);
		const char *secret = vector_text(vector, "secret_access_key");
		struct sigv4_scope scope = {.access_key_id = vector_text(vector, "access_key_id"),
					    .secret_access_key = &key,
					    .date = vector_text(vector, "date"),
					    .region = vector_text(vector, "region"),
					    .service = vector_text(vector, "service")};

		assert_ok(secret_make(secret, strlen(secret), &key));
		assert_ok(sigv4_sign(&scope, &request, &authorization));
		assert_string_equal(buffer_string(&authorization),
				    vector_text(vector, "authorization"));
	}
}

static void sigv4_too_many_headers_are_refused(void **state)
{
	AUTO(buffer_clear) struct buffer canonical = BUFFER_INIT(65536);
	AUTO(buffer_clear) struct buffer names = BUFFER_INIT(65536);
	struct http_header headers[33];
	struct sigv4_request request = {
		.method = "GET", .path = "/", .headers = headers, .header_count = 33};

	(void)state;
	for (size_t i = 0; i < 33; i++)
		headers[i] = (struct http_header){"x", "y"};
	assert_failed(sigv4_canonical_request(&request, &canonical, &names), STATUS_INVALID, "32");
}

static void sigv4_date_is_utc_in_basic_form(void **state)
{
	char date[SIGV4_DATE_SIZE];

	(void)state;
	sigv4_date(1795298779, date);
	assert_string_equal(date, "20261121T220619Z");
}

static void sigv4_encode_keeps_only_the_unreserved(void **state)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(256);

	(void)state;
	assert_ok(sigv4_encode("aZ0-_.~ /:+\xc3\xa9\0", 14, &text));
	assert_string_equal(buffer_string(&text), "aZ0-_.~%20%2F%3A%2B%C3%A9%00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sigv4_every_vector_gives_botocores_canonical_request),
		cmocka_unit_test(sigv4_every_vector_gives_botocores_authorization),
		cmocka_unit_test(sigv4_too_many_headers_are_refused),
		cmocka_unit_test(sigv4_date_is_utc_in_basic_form),
		cmocka_unit_test(sigv4_encode_keeps_only_the_unreserved),
	};

	memory_init();
	return cmocka_run_group_tests(tests, read_vectors, forget_vectors);
}
