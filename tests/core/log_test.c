#include "test.h"

#include "core/json.h"
#include "core/log.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char line[65536];

/* Writes one line into a pipe and reads it back. */
static size_t write_line(enum log_format format, enum log_level least, enum log_level level,
			 const char *message, const struct log_field *fields)
{
	int ends[2];
	struct log log;
	ssize_t length;

	assert_int_equal(pipe(ends), 0);
	log = (struct log){.fd = ends[1], .level = least, .format = format};
	log_write(&log, level, message, fields);
	close(ends[1]);
	length = read(ends[0], line, sizeof(line) - 1);
	close(ends[0]);
	assert_true(length >= 0);
	line[length] = '\0';
	return (size_t)length;
}

static void log_in_json_is_one_object_on_one_line(void **state)
{
	AUTO(json_clear) cJSON *tree = NULL;
	const struct log_field fields[] = {LOG_TEXT("user", "a\"b\n"), LOG_TEXT("empty", NULL),
					   LOG_NUMBER("durationMs", 12), LOG_END};
	size_t length = write_line(LOG_FORMAT_JSON, LOG_INFO, LOG_WARN, "hello\nthere", fields);

	(void)state;
	assert_ok(json_parse(line, length, &tree));
	assert_ptr_equal(strchr(line, '\n'), line + length - 1);
	assert_string_equal(json_string(tree, "level"), "WARN");
	assert_string_equal(json_string(tree, "message"), "hello\nthere");
	assert_string_equal(json_string(tree, "user"), "a\"b\n");
	assert_null(cJSON_GetObjectItem(tree, "empty"));
	assert_int_equal(cJSON_GetObjectItem(tree, "durationMs")->valueint, 12);
	/* 2026-11-21T22:00:00.000Z */
	assert_int_equal(strlen(json_string(tree, "timestamp")), 24);
}

static void log_in_text_is_one_line(void **state)
{
	const struct log_field fields[] = {LOG_TEXT("user", "a\nb"), LOG_TEXT("empty", NULL),
					   LOG_NUMBER("n", -1), LOG_END};
	size_t length = write_line(LOG_FORMAT_TEXT, LOG_INFO, LOG_INFO, "hello\r\nthere", fields);

	(void)state;
	assert_ptr_equal(strchr(line, '\n'), line + length - 1);
	assert_non_null(strstr(line, "INFO  hello  there user=a b n=-1\n"));
}

static void log_below_its_level_writes_nothing(void **state)
{
	const struct log_field none[] = {LOG_END};

	(void)state;
	assert_int_equal(write_line(LOG_FORMAT_JSON, LOG_WARN, LOG_INFO, "x", none), 0);
	assert_int_equal(write_line(LOG_FORMAT_JSON, 0, LOG_ERROR, "x", none), 0);
}

static void log_of_a_line_too_long_says_so(void **state)
{
	const struct log_field none[] = {LOG_END};
	char *text = malloc(40000);

	(void)state;
	memset(text, 'x', 39999);
	text[39999] = '\0';
	write_line(LOG_FORMAT_JSON, LOG_INFO, LOG_INFO, text, none);
	assert_non_null(strstr(line, "too long"));
	free(text);
}

/* Wherever the line ends to fit: it is whole, or the one that says it was lost. */
static void log_of_any_length_is_whole_or_said_to_be_lost(void **state)
{
	static char message[16385];
	const struct log_field fields[] = {LOG_TEXT("key", "text"), LOG_NUMBER("number", 12),
					   LOG_END};
	int whole[2] = {0}, lost[2] = {0};

	(void)state;
	for (size_t room = 1; room <= 120; room++)
		for (int text = 0; text < 2; text++) {
			size_t length = sizeof(message) - room;

			memset(message, 'm', length);
			message[length] = '\0';
			length = write_line(text ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON, LOG_INFO,
					    LOG_INFO, message, fields);
			assert_int_equal(line[length - 1], '\n');
			if (strstr(line, "too long") != NULL)
				lost[text]++;
			else if (strstr(line, text ? "number=12\n" : "\"number\":12}\n") != NULL)
				whole[text]++;
			else
				fail_msg("neither whole nor lost with %zu bytes of room", room);
		}
	for (int text = 0; text < 2; text++) {
		assert_in_range(whole[text], 1, 119);
		assert_in_range(lost[text], 1, 119);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_of_any_length_is_whole_or_said_to_be_lost),
		cmocka_unit_test(log_in_json_is_one_object_on_one_line),
		cmocka_unit_test(log_in_text_is_one_line),
		cmocka_unit_test(log_below_its_level_writes_nothing),
		cmocka_unit_test(log_of_a_line_too_long_says_so),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
