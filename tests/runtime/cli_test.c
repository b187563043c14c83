/* The command line: what is accepted, what --help knows, what a table and its JSON say. */
#include "test.h"

#include "core/json.h"
#include "core/memory.h"
#include "runtime/command.h"
#include "runtime/print.h"

#include <stdio.h>
#include <stdlib.h>

static struct status parse(struct command_line *ret, const char *first, ...)
{
	static char copies[8][64];
	char *argv[9] = {copies[0]};
	int argc = 1;
	va_list arguments;

	snprintf(copies[0], sizeof(copies[0]), "tandem");
	va_start(arguments, first);
	for (const char *at = first; at != NULL && argc < 8; at = va_arg(arguments, const char *)) {
		snprintf(copies[argc], sizeof(copies[argc]), "%s", at);
		argv[argc] = copies[argc];
		argc++;
	}
	va_end(arguments);
	return cli_parse(argc, argv, ret);
}

static void cli_accepts_every_command(void **state)
{
	struct command_line line;

	(void)state;
	assert_ok(parse(&line, "rotate", "s", "--json", "--no-wait", NULL));
	assert_string_equal(line.command->name, "rotate");
	assert_true(line.json && line.no_wait);
	assert_ok(parse(&line, "--json", "step", "setSecret", "s", "t", NULL));
	assert_string_equal(line.command->name, "step");
	assert_ok(parse(&line, "status", "s", NULL));
	assert_false(line.json);
	assert_ok(parse(&line, "check", "s", NULL));
	assert_ok(parse(&line, "--help", NULL));
	assert_true(line.help);
	assert_ok(parse(&line, "check", "--version", NULL));
	assert_true(line.version);
}

static void cli_says_what_it_expected(void **state)
{
	struct command_line line;

	(void)state;
	assert_failed(parse(&line, NULL), STATUS_INVALID, "a command is expected");
	assert_failed(parse(&line, "rotat", "s", NULL), STATUS_INVALID, "'rotat' is no command");
	assert_failed(parse(&line, "rotate", NULL), STATUS_INVALID, "usage: tandem rotate SECRET");
	assert_failed(parse(&line, "step", "a", "b", NULL), STATUS_INVALID, "STEP SECRET TOKEN");
	assert_failed(parse(&line, "status", "a", "b", NULL), STATUS_INVALID,
		      "usage: tandem status");
	assert_failed(parse(&line, "status", "a", "--loud", NULL), STATUS_INVALID,
		      "'--loud' is no option");
}

static void help_names_every_command_and_setting(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	cli_help(out);
	fclose(out);
	for (size_t i = 0; i < command_count; i++)
		assert_non_null(strstr(text, commands[i].usage));
	for (size_t i = 0; i < config_setting_count; i++)
		if (config_settings[i].name != NULL)
			assert_non_null(strstr(text, config_settings[i].name));
	free(text);
}

/* README.md's table is what cli_help_markdown() prints: run from the top of the tree. */
static void readme_has_the_table_of_settings(void **state)
{
	char *text = NULL, *readme = NULL;
	size_t length, size = 0;
	FILE *out = open_memstream(&text, &length), *in = fopen("README.md", "r");

	(void)state;
	assert_non_null(in);
	cli_help_markdown(out);
	fclose(out);
	assert_true(getdelim(&readme, &size, '\0', in) > 0);
	fclose(in);
	if (strstr(readme, text) == NULL)
		fail_msg("README.md's table of settings is out of date; it should be:\n%s", text);
	free(text);
	free(readme);
}

static void make_inspection(struct inspection *result)
{
	result->count = 0;
	inspection_add(result, "version", "current", "app", FINDING_GOOD, "current", "%s", "v1");
	inspection_add(result, "proxy login", "proxy:6432", "app-clone", FINDING_BAD, "refused",
		       "long \"detail\" %0100d", 7);
}

static void print_json_is_json(void **state)
{
	static struct inspection result;
	AUTO(buffer_clear) struct buffer out = BUFFER_INIT(10000);
	AUTO(json_clear) cJSON *tree = NULL;
	const cJSON *finding;

	(void)state;
	make_inspection(&result);
	assert_ok(print_json(&result, "s\"1", &out));
	assert_ok(json_parse(buffer_string(&out), out.length, &tree));
	assert_string_equal(json_string(tree, "secret"), "s\"1");
	assert_string_equal(json_string(tree, "result"), "bad");
	finding = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "findings"), 1);
	assert_string_equal(json_string(finding, "kind"), "proxy login");
	assert_string_equal(json_string(finding, "state"), "refused");
	assert_memory_equal(json_string(finding, "detail"), "long \"detail\"", 13);
}

static void print_table_is_a_line_for_each_finding(void **state)
{
	static struct inspection result;
	AUTO(buffer_clear) struct buffer plain = BUFFER_INIT(10000), colourful = BUFFER_INIT(10000);

	(void)state;
	make_inspection(&result);
	assert_ok(print_table(&result, false, &plain));
	assert_non_null(strstr(buffer_string(&plain),
			       "  version      current     app        current       v1\n"));
	assert_non_null(strstr(buffer_string(&plain),
			       "x proxy login  proxy:6432  app-clone  refused     \n      long"));
	assert_null(strchr(buffer_string(&plain), '\033'));
	buffer_reset(&plain);
	snprintf(result.findings[0].user, sizeof(result.findings[0].user), "a\033[2J\nb");
	assert_ok(print_table(&result, false, &plain));
	assert_non_null(strstr(buffer_string(&plain), "a [2J b"));
	assert_null(strchr(buffer_string(&plain), '\033'));
	assert_ok(print_table(&result, true, &colourful));
	assert_non_null(strchr(buffer_string(&colourful), '\033'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cli_accepts_every_command),
		cmocka_unit_test(cli_says_what_it_expected),
		cmocka_unit_test(help_names_every_command_and_setting),
		cmocka_unit_test(readme_has_the_table_of_settings),
		cmocka_unit_test(print_json_is_json),
		cmocka_unit_test(print_table_is_a_line_for_each_finding),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
