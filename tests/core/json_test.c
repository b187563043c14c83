#include "test.h"

#include "core/json.h"
#include "core/memory.h"

#include <stdio.h>

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

static struct status parse(const char *text)
{
	AUTO(json_clear) cJSON *tree = NULL;

	return json_parse(text, strlen(text), &tree);
}

static void json_parse_accepts_what_is_json(void **state)
{
	static const char *const texts[] = {
		"{}",
		" {\"a\": [1, 2.5, -3e9, true, false, null, \"x\\u00e9\\\"\"]} \n",
		"[]",
		"\"text\"",
		"{\"a\":{\"b\":1},\"c\":{\"b\":2}}",
		"{\"a\":\"\\\\u0000\"}",
	};

	(void)state;
	for (size_t i = 0; i < SIZE(texts); i++)
		assert_ok(parse(texts[i]));
}

static void json_parse_refuses_everything_else(void **state)
{
	static const struct {
		const char *text, *part;
	} wrong[] = {
		{"", "not JSON"},
		{"{", "not JSON"},
		{"{\"a\":1,}", "not JSON"},
		{"{\"a\":1} x", "behind the JSON text, at byte 9 of 9"},
		{"{\"a\":1}{\"b\":2}", "behind the JSON text"},
		{"{\"a\":1,\"b\":2,\"a\":3}", "\"a\" stands there twice"},
		{"{\"o\":[{\"k\":1,\"k\":1}]}", "\"k\" stands there twice"},
		{"{\"a\":\"x\\u0000y\"}", "NUL"},
		{"{a:1}", "not JSON"},
		{"nothing", "not JSON"},
		{"{\"a\":\"caf\xe9\"}", "not UTF-8: it goes wrong at byte 10 of 12"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(wrong); i++)
		assert_failed(parse(wrong[i].text), STATUS_INVALID, wrong[i].part);
}

static void json_parse_refuses_a_nul_behind_which_text_goes_on(void **state)
{
	static const char text[] = "{\"a\":1}\0x";
	AUTO(json_clear) cJSON *tree = NULL;

	(void)state;
	assert_failed(json_parse(text, sizeof(text) - 1, &tree), STATUS_INVALID, "NUL");
	assert_null(tree);
}

static void json_parse_never_quotes_the_text(void **state)
{
	struct status status = parse("{\"password\":\"hunter2\",,}");

	(void)state;
	assert_int_equal(status.code, STATUS_INVALID);
	assert_null(strstr(status.detail, "hunter2"));
}

static void json_parse_refuses_bottomless_nesting(void **state)
{
	char text[20001];

	(void)state;
	memset(text, '[', 20000);
	text[20000] = '\0';
	assert_failed(parse(text), STATUS_INVALID, "not JSON");
}

static void check_replace(const char *before, const char *after)
{
	AUTO(buffer_clear) struct buffer out = BUFFER_INIT(4096);
	const struct json_edit edits[] = {{"username", "new"}, {"password", "p\"\\\n"}};

	assert_ok(json_replace(before, strlen(before), edits, SIZE(edits), &out));
	assert_string_equal(buffer_string(&out), after);
}

static void json_replace_changes_two_values_and_not_a_byte_more(void **state)
{
	(void)state;
	check_replace("{\"username\":\"a\",\"password\":\"b\"}",
		      "{\"username\":\"new\",\"password\":\"p\\\"\\\\\\n\"}");
	check_replace(
		"\n{ \"z\" : 9007199254740993 ,\t\"password\" : {\"n\":[1,\"}\"]} , \"e\":1.50,"
		"\"username\":null,\"\\u0061\":\"\\/\" }\n",
		"\n{ \"z\" : 9007199254740993 ,\t\"password\" : \"p\\\"\\\\\\n\" , \"e\":1.50,"
		"\"username\":\"new\",\"\\u0061\":\"\\/\" }\n");
	/* A key written with an escape is the same key. */
	check_replace("{\"user\\u006eame\":\"a\",\"password\":\"b\"}",
		      "{\"user\\u006eame\":\"new\",\"password\":\"p\\\"\\\\\\n\"}");
	/* What equals the edit already keeps its spelling. */
	check_replace("{\"username\":\"\\u006eew\",\"password\":\"b\"}",
		      "{\"username\":\"\\u006eew\",\"password\":\"p\\\"\\\\\\n\"}");
	/* A quote inside a value does not end it; a backslash before the last one does not go on. */
	check_replace("{\"x\":\"a\\\"b\",\"username\":\"a\",\"y\":\"a\\\\\",\"password\":1}",
		      "{\"x\":\"a\\\"b\",\"username\":\"new\",\"y\":\"a\\\\\","
		      "\"password\":\"p\\\"\\\\\\n\"}");
	/* The nested twin of a key is not the key. */
	check_replace(
		"{\"o\":{\"username\":\"x\"},\"username\":1,\"password\":2}",
		"{\"o\":{\"username\":\"x\"},\"username\":\"new\",\"password\":\"p\\\"\\\\\\n\"}");
}

static void json_replace_adds_what_is_missing_at_the_end(void **state)
{
	(void)state;
	check_replace("{}", "{\"username\": \"new\", \"password\": \"p\\\"\\\\\\n\"}");
	check_replace("{\"a\":1 }",
		      "{\"a\":1 , \"username\": \"new\", \"password\": \"p\\\"\\\\\\n\"}");
}

/* Whole, or it says that there is no room: never a text that ends in the middle. */
static void json_replace_without_room_says_so_wherever_it_ends(void **state)
{
	static const char before[] = "{\"a\":1,\"username\":\"a\"}";
	static const char after[] =
		"{\"a\":1,\"username\":\"new\", \"x\": \"y\", \"password\": \"p\"}";
	static const struct json_edit edits[] = {
		{"username", "new"}, {"x", "y"}, {"password", "p"}};

	(void)state;
	for (size_t limit = 0; limit < sizeof(after); limit++) {
		AUTO(buffer_clear) struct buffer out = BUFFER_INIT(limit);
		struct status status = json_replace(before, strlen(before), edits, SIZE(edits),
						    &out);

		if (limit < strlen(after)) {
			assert_failed(status, STATUS_INVALID, "bytes allowed here");
			continue;
		}
		assert_ok(status);
		assert_string_equal(buffer_string(&out), after);
	}
}

static void json_replace_refuses_what_is_no_object(void **state)
{
	AUTO(buffer_clear) struct buffer out = BUFFER_INIT(4096);
	const struct json_edit edit = {"a", "b"};

	(void)state;
	assert_failed(json_replace("[{}]", 4, &edit, 1, &out), STATUS_INVALID, "object");
	assert_failed(json_replace("{", 1, &edit, 1, &out), STATUS_INVALID, "not JSON");
}

/* What is put there must be what is read back. */
static void json_replace_refuses_a_value_that_is_no_text(void **state)
{
	AUTO(buffer_clear) struct buffer out = BUFFER_INIT(64);
	const struct json_edit edit = {"a", "caf\xe9"};

	(void)state;
	assert_failed(json_replace("{}", 2, &edit, 1, &out), STATUS_INVALID, "not UTF-8");
}

static void json_quote_makes_json_of_anything(void **state)
{
	AUTO(buffer_clear) struct buffer out = BUFFER_INIT(64);
	AUTO(json_clear) cJSON *tree = NULL;

	(void)state;
	assert_ok(json_quote("é\"\n\xff\xe2\x82", &out));
	assert_string_equal(buffer_string(&out), "\"é\\\"\\n???\"");
	assert_ok(json_parse(out.data, out.length, &tree));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_parse_accepts_what_is_json),
		cmocka_unit_test(json_parse_refuses_everything_else),
		cmocka_unit_test(json_parse_refuses_a_nul_behind_which_text_goes_on),
		cmocka_unit_test(json_parse_never_quotes_the_text),
		cmocka_unit_test(json_parse_refuses_bottomless_nesting),
		cmocka_unit_test(json_replace_changes_two_values_and_not_a_byte_more),
		cmocka_unit_test(json_replace_adds_what_is_missing_at_the_end),
		cmocka_unit_test(json_replace_without_room_says_so_wherever_it_ends),
		cmocka_unit_test(json_replace_refuses_what_is_no_object),
		cmocka_unit_test(json_replace_refuses_a_value_that_is_no_text),
		cmocka_unit_test(json_quote_makes_json_of_anything),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
