/*
 * No memory: every allocation of core/ fails in turn, once and for good. The answer is UNAVAILABLE
 * "out of memory", never that the text is wrong, and never a text of which half was changed.
 */
#include "test.h"

#include "core/config.h"
#include "core/credential.h"
#include "core/json.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/plan.h"
#include "failing_memory.h"

#include <unistd.h>

#define VALUE                                                                                  \
	"{\"engine\": \"e\", \"host\": \"h\", \"big\": 9007199254740993, \"password\": \"p\"," \
	" \"username\": \"app\", \"rotation_usernames\": [\"app\", \"other\"],"                \
	" \"proxy_secret_ids\": [\"a\", \"b\"], \"proxy_endpoints\": [\"x:1\", \"[::1]:2\"]}"
#define VALUE_OF_AWS                                                                              \
	"{\"engine\":\"e\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\",\"masterarn\":" \
	"\"m\"}"

#define VALUE_OF_ONE_USER \
	"{\"engine\":\"e\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\"}"

static const char *const engines[] = {"e", NULL};
static const struct database_driver driver = {
	.engines = engines, .default_port = 1, .default_dbname = "d", .username_max = 63};
static const struct database_driver *const drivers[] = {&driver, NULL};

static struct status fill(void *bytes, size_t length)
{
	static unsigned state = 1;

	for (size_t i = 0; i < length; i++) {
		state = state * 1103515245 + 12345;
		((unsigned char *)bytes)[i] = (unsigned char)(state >> 16);
	}
	return OK;
}

static const struct random counted = {.fill = fill};

static const char *no_variable(const char *name)
{
	(void)name;
	return NULL;
}

static struct status parse(void)
{
	AUTO(json_clear) cJSON *tree = NULL;

	return json_parse(VALUE, strlen(VALUE), &tree);
}

static struct status quote(void)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(100);

	TRY(json_quote("\"text\"", &text));
	assert_string_equal(buffer_string(&text), "\"\\\"text\\\"\"");
	return OK;
}

static struct status replace(void)
{
	static const struct json_edit edits[] = {
		{"username", "u"}, {"password", "p"}, {"new", "n"}};
	static const char text[] = "{\"user\\u006eame\":\"app\", \"password\":\"p\"}";
	AUTO(buffer_clear) struct buffer changed = BUFFER_INIT(1000);

	TRY(json_replace(text, strlen(text), edits, 3, &changed));
	assert_string_equal(buffer_string(&changed),
			    "{\"user\\u006eame\":\"u\", \"password\":\"p\", \"new\": \"n\"}");
	return OK;
}

static struct status change(void)
{
	AUTO(credential_clear) struct credential old = CREDENTIAL_INIT, new = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT, password = SECRET_INIT;

	TRY(secret_make(VALUE, strlen(VALUE), &value));
	TRY(secret_make("new", 3, &password));
	TRY(credential_parse(&value, "the secret", &old));
	TRY(credential_change(&old, "other", &password, &new));
	assert_string_equal(new.username, "other");
	assert_true(secret_equal(&new.password, &password));
	return OK;
}

static struct status plan_of(const char *text)
{
	AUTO(credential_clear) struct credential current = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	struct config config;

	TRY(config_load(no_variable, &config));
	TRY(secret_make(text, strlen(text), &value));
	TRY(credential_parse(&value, "the secret", &current));
	return plan_make(&current, &config, drivers, &plan);
}

static struct status plan(void)
{
	return plan_of(VALUE);
}

static struct status plan_of_aws(void)
{
	return plan_of(VALUE_OF_AWS);
}

static struct status plan_of_one_user(void)
{
	return plan_of(VALUE_OF_ONE_USER);
}

static struct status generate(void)
{
	AUTO(secret_clear) struct secret password = SECRET_INIT;

	return password_generate(&PASSWORD_POLICY_DEFAULT, &counted, &password);
}

static void fail_each_allocation_of(void **state)
{
	struct status (*work)(void) = *state;

	for (enum shortage shortage = SHORTAGE_ONCE; shortage <= SHORTAGE_FOR_GOOD; shortage++)
		for (int n = 1;; n++) {
			long live = failing_memory.live;
			struct status status;

			memory_fail_at(n, shortage);
			status = work();
			if (!memory_failed()) {
				assert_ok(status);
				assert_true(n > 1);
				break;
			}
			assert_failed(status, STATUS_UNAVAILABLE, "out of memory");
			assert_int_equal(failing_memory.live, live);
		}
}

static void log_without_memory_says_that_a_line_is_lost(void **state)
{
	static const enum log_format formats[] = {LOG_FORMAT_JSON, LOG_FORMAT_TEXT};
	const struct log_field none[] = {LOG_END};

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		char line[200] = "";
		struct log log;
		int ends[2];

		assert_int_equal(pipe(ends), 0);
		log = (struct log){.fd = ends[1], .level = LOG_INFO, .format = formats[i]};
		memory_fail_at(1, SHORTAGE_ONCE);
		log_write(&log, LOG_INFO, "message", none);
		assert_true(memory_failed());
		assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
		assert_non_null(strstr(line, "there was no memory for it"));
		close(ends[0]);
		close(ends[1]);
	}
}

static int use_the_allocator(void **state)
{
	(void)state;
	memory_init();
	return 0;
}

#define OUT_OF_MEMORY_IN(work)                                                        \
	{                                                                             \
#work "_without_memory_says_so", fail_each_allocation_of, NULL, NULL, \
			(void *)(work)                                                \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUT_OF_MEMORY_IN(parse),
		OUT_OF_MEMORY_IN(quote),
		OUT_OF_MEMORY_IN(replace),
		OUT_OF_MEMORY_IN(change),
		OUT_OF_MEMORY_IN(plan),
		OUT_OF_MEMORY_IN(plan_of_aws),
		OUT_OF_MEMORY_IN(plan_of_one_user),
		OUT_OF_MEMORY_IN(generate),
		cmocka_unit_test(log_without_memory_says_that_a_line_is_lost),
	};

	return cmocka_run_group_tests(tests, use_the_allocator, NULL);
}
