#include "test.h"

#include <stdio.h>

static void failure_keeps_code_and_sentence(void **state)
{
	struct status status = failure(STATUS_DENIED, "no %s for %d", "entry", 7);

	(void)state;
	assert_int_equal(status.code, STATUS_DENIED);
	assert_string_equal(status.detail, "no entry for 7");
	assert_string_equal(status_code_name(status.code), "DENIED");
}

static void failure_with_ok_is_a_bug_of_ours(void **state)
{
	(void)state;
	assert_int_equal(failure(STATUS_OK, "x").code, STATUS_INTERNAL);
	assert_string_equal(status_code_name((enum status_code)99), "INTERNAL");
}

static void status_while_puts_what_we_did_in_front(void **state)
{
	struct status inner = failure(STATUS_CONFLICT, "moved");

	(void)state;
	assert_failed(status_while(inner, "reading %s", "x"), STATUS_CONFLICT, "reading x: moved");
	assert_ok(status_while(OK, "reading"));
}

static void status_too_long_looks_cut(void **state)
{
	char text[2000];
	struct status status;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	status = failure(STATUS_INVALID, "%s", text);
	assert_int_equal(strlen(status.detail), sizeof(status.detail) - 1);
	assert_string_equal(status.detail + sizeof(status.detail) - 4, "...");
	status = status_while(status, "at");
	assert_memory_equal(status.detail, "at: aaa", 7);
	assert_string_equal(status.detail + sizeof(status.detail) - 4, "...");
	assert_string_equal(status_while(failure(STATUS_INVALID, "x"), "%s", text).detail +
				    sizeof(status.detail) - 4,
			    "...");
}

/* Whatever the length, no half of a character stays before the dots. */
static void status_is_cut_between_characters(void **state)
{
	char text[2000];

	(void)state;
	for (int shift = 0; shift < 3; shift++) {
		struct status status;
		size_t used = (size_t)snprintf(text, sizeof(text), "%.*s", shift, "ab");

		while (used + 3 < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "…");
		status = failure(STATUS_INVALID, "%s", text);
		used = strlen(status.detail);
		assert_string_equal(status.detail + used - 3, "...");
		assert_memory_equal(status.detail + used - 6, "…", 3);
		assert_in_range(used, sizeof(status.detail) - 4, sizeof(status.detail) - 1);
	}
}

/* What is no text has no characters to cut between, and tells more than dots alone. */
static void status_of_no_text_is_cut_at_the_end(void **state)
{
	char text[1000];
	struct status status;

	(void)state;
	memset(text, 0x80, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	status = failure(STATUS_INVALID, "%s", text);
	assert_int_equal(strlen(status.detail), sizeof(status.detail) - 1);
	assert_int_equal(strspn(status.detail, "?"), sizeof(status.detail) - 4);
	assert_string_equal(status.detail + sizeof(status.detail) - 4, "...");
}

/* "%.5s" counts bytes; a server's words, a file name or an argument may be anything. */
static void status_is_text_whatever_went_into_it(void **state)
{
	struct status status = failure(STATUS_INVALID, "the engine '%.5s' is \xff unknown", "café");

	(void)state;
	assert_string_equal(failure(STATUS_INVALID, "'%.4s'", "café").detail, "'caf?'");
	assert_string_equal(status.detail, "the engine 'café' is ? unknown");
	assert_string_equal(status_while(status, "at \xc3").detail,
			    "at ?: the engine 'café' is ? unknown");
	assert_string_equal(failure(STATUS_INVALID, "user 'a\033[2J\n'").detail, "user 'a [2J '");
}

static struct status leave_early(int *reached)
{
	TRY_WHILE(failure(STATUS_NOT_FOUND, "gone"), "looking for %d", 3);
	*reached = 1;
	return OK;
}

static void try_while_leaves_the_function(void **state)
{
	int reached = 0;

	(void)state;
	assert_failed(leave_early(&reached), STATUS_NOT_FOUND, "looking for 3: gone");
	assert_int_equal(reached, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failure_keeps_code_and_sentence),
		cmocka_unit_test(failure_with_ok_is_a_bug_of_ours),
		cmocka_unit_test(status_while_puts_what_we_did_in_front),
		cmocka_unit_test(status_too_long_looks_cut),
		cmocka_unit_test(status_is_cut_between_characters),
		cmocka_unit_test(status_of_no_text_is_cut_at_the_end),
		cmocka_unit_test(status_is_text_whatever_went_into_it),
		cmocka_unit_test(try_while_leaves_the_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
