#include "test.h"

#include "core/utf8.h"

/* Each of RFC 3629's borders, from both sides. */
static void utf8_length_counts_whole_characters(void **state)
{
	static const struct {
		const char *text;
		size_t good;
	} cases[] = {
		{"", 0},
		{"plain", 5},
		{"\x7f\x80", 1},
		{"\xc1\xbf", 0},
		{"\xc2\x80\xdf\xbf", 4},
		{"\xc2", 0},
		{"\xe0\x9f\xbf", 0},
		{"\xe0\xa0\x80\xef\xbf\xbf", 6},
		{"\xed\x9f\xbf\xed\xa0\x80", 3},
		{"\xee\x80\x80\xe2\x82", 3},
		{"\xe2\x82z", 0},
		{"\xf0\x8f\xbf\xbf", 0},
		{"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8},
		{"\xf4\x90\x80\x80", 0},
		{"\xf5\x80\x80\x80", 0},
		{"\xf0\x90\x80z", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].good);
	assert_int_equal(utf8_length("\xe2\x82\xac", 2), 0);
	assert_int_equal(utf8_length("a\0b", 3), 3);
}

static void utf8_count_counts_characters_and_strangers(void **state)
{
	(void)state;
	assert_int_equal(utf8_count(""), 0);
	assert_int_equal(utf8_count("app"), 3);
	assert_int_equal(utf8_count("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 3);
	assert_int_equal(utf8_count("a\xff\xc3"), 3);
}

static void utf8_mend_changes_what_is_no_character(void **state)
{
	char text[] = "\xff"
		      "a\xc3\xa9\xe2\x82z\xc3";

	(void)state;
	utf8_mend(text);
	assert_string_equal(text, "?a\xc3\xa9??z?");
}

static void utf8_one_line_leaves_nothing_that_moves_a_cursor(void **state)
{
	char text[] = "a\tb\r\n\033[2Jc\x7f\xc2\x9b"
		      "d\xc2\xa0\xc3\x9b\x9b";

	(void)state;
	utf8_one_line(text);
	assert_string_equal(text, "a b   [2Jc   d\xc2\xa0\xc3\x9b?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_length_counts_whole_characters),
		cmocka_unit_test(utf8_count_counts_characters_and_strangers),
		cmocka_unit_test(utf8_mend_changes_what_is_no_character),
		cmocka_unit_test(utf8_one_line_leaves_nothing_that_moves_a_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
