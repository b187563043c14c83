/* What a step has to tell besides its status. */
#include "test.h"

#include "steps/rotation.h"

static void note_is_one_line_of_text_however_long(void **state)
{
	static const char name[] = "a\033[2J\nb";
	struct report report = {0};
	const struct rotation rotation = {.report = &report};
	char word[400];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(word); i += 2)
		memcpy(word + i, "é", 3);
	report_note(&rotation, "user '%s'", name);
	report_note(&rotation, "%s", word);
	report_note(&rotation, "user '%s'", name);
	assert_int_equal(report.note_count, 2);
	assert_string_equal(report.notes[0], "user 'a [2J b'");
	assert_int_equal(strlen(report.notes[1]), sizeof(report.notes[1]) - 1);
	assert_memory_equal(report.notes[1] + sizeof(report.notes[1]) - 4, "é?", 4);
}

/* It comes from the secret, whoever may write that. */
static void user_is_one_line_of_text(void **state)
{
	struct report report = {0};
	const struct rotation rotation = {.report = &report};

	(void)state;
	report_user(&rotation, "x\033]0;owned\007\nall done");
	assert_string_equal(report.user, "x ]0;owned  all done");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(note_is_one_line_of_text_however_long),
		cmocka_unit_test(user_is_one_line_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
