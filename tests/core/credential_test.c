#include "test.h"

#include "core/credential.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

static struct status parse(const char *text, struct credential *ret)
{
	AUTO(secret_clear) struct secret value = SECRET_INIT;

	TRY(secret_make(text, strlen(text), &value));
	return credential_parse(&value, "the secret 'x'", ret);
}

static void credential_parse_reads_user_and_password(void **state)
{
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;

	(void)state;
	assert_ok(parse("{\"username\":\"app\",\"password\":\"p\\u00e9\"}", &credential));
	assert_string_equal(credential.username, "app");
	assert_string_equal(secret_reveal(&credential.password), "p\xc3\xa9");
}

static void credential_parse_tells_apart_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *part;
	} wrong[] = {
		{"x", "reading the secret 'x': not JSON"},
		{"\"text\"", "not a JSON object"},
		{"{}", "has no \"username\""},
		{"{\"username\":\"\"}", "\"username\" in the secret 'x' is empty"},
		{"{\"username\":\"app\"}", "has no \"password\""},
		{"{\"username\":\"app\",\"password\":null}", "is not a string"},
		{"{\"username\":\"app\",\"password\":[\"a\"]}", "is not a string"},
		{"{\"username\":{\"a\":1},\"password\":\"p\"}",
		 "\"username\" in the secret 'x' is not"},
		{"{\"username\":\"a\",\"password\":\"p\",\"password\":\"q\"}", "twice"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(wrong); i++) {
		AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;

		assert_failed(parse(wrong[i].text, &credential), STATUS_INVALID, wrong[i].part);
		assert_null(credential.fields);
	}
}

static void credential_change_keeps_everything_else(void **state)
{
	AUTO(credential_clear) struct credential old = CREDENTIAL_INIT, new = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret password = SECRET_INIT;

	(void)state;
	assert_ok(parse("{\"z\":18446744073709551616,\"password\":\"a\",\"username\":\"app\","
			"\"more\":{\"password\":1.0}}",
			&old));
	assert_ok(secret_make("b", 1, &password));
	assert_ok(credential_change(&old, "app-clone", &password, &new));
	assert_string_equal(
		secret_reveal(&new.text),
		"{\"z\":18446744073709551616,\"password\":\"b\",\"username\":\"app-clone\","
		"\"more\":{\"password\":1.0}}");
	assert_string_equal(new.username, "app-clone");
	assert_string_equal(secret_reveal(&old.password), "a");
}

static void credential_place_replaces_what_stands_there(void **state)
{
	static const char *const texts[] = {
		"{\"username\":\"a\",\"password\":\"p\"}",
		"{\"port\":\"1\",\"username\":\"a\",\"host\":\"x\",\"password\":\"p\"}",
		"{\"username\":\"a\",\"password\":\"p\",\"host\":null,\"port\":[{}]}",
	};

	(void)state;
	for (size_t i = 0; i < SIZE(texts); i++) {
		AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;
		const cJSON *port;

		assert_ok(parse(texts[i], &credential));
		assert_ok(credential_set_place(&credential, "db.example", 65535));
		port = cJSON_GetObjectItem(credential.fields, "port");
		assert_string_equal(
			cJSON_GetStringValue(cJSON_GetObjectItem(credential.fields, "host")),
			"db.example");
		assert_int_equal(port->valueint, 65535);
		assert_string_equal(credential.username, "a");
		assert_string_equal(secret_reveal(&credential.text), texts[i]);
	}
}

static void credential_change_past_the_limit_is_refused(void **state)
{
	AUTO(credential_clear) struct credential old = CREDENTIAL_INIT, new = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret password = SECRET_INIT;
	char *text = calloc(1, SECRET_MAX + 1);
	int used = snprintf(text, SECRET_MAX, "{\"username\":\"a\",\"password\":\"b\",\"pad\":\"");

	(void)state;
	memset(text + used, 'x', SECRET_MAX - (size_t)used - 2);
	memcpy(text + SECRET_MAX - 2, "\"}", 2);
	assert_ok(parse(text, &old));
	assert_ok(secret_make("longer", 6, &password));
	assert_failed(credential_change(&old, "a", &password, &new), STATUS_INVALID, "65536");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credential_parse_reads_user_and_password),
		cmocka_unit_test(credential_parse_tells_apart_what_is_wrong),
		cmocka_unit_test(credential_change_keeps_everything_else),
		cmocka_unit_test(credential_place_replaces_what_stands_there),
		cmocka_unit_test(credential_change_past_the_limit_is_refused),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
