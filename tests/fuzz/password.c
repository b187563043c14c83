/*
 * Settings, and the password that is made by them: an operator writes the variables, an engine adds
 * its rules, and what comes out must satisfy both.
 *
 * Input: how the random bytes come, which rules the engine has, then variables, "NAME=value" a line.
 */
#include "fuzz.h"

#include "core/config.h"
#include "core/plan.h"

#include <stdio.h>
#include <strings.h>

#define VARIABLES_MAX 64

static char *variables[VARIABLES_MAX];
static uint32_t random_state;

static const char *look_up(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < VARIABLES_MAX && variables[i] != NULL; i++)
		if (strncmp(variables[i], name, length) == 0 && variables[i][length] == '=')
			return variables[i] + length + 1;
	return NULL;
}

/* Anything but constant: a generator that repeats one byte never fills every class. */
static struct status fill(void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		random_state = random_state * 1664525 + 1013904223;
		((unsigned char *)bytes)[i] = (unsigned char)(random_state >> 24);
	}
	return OK;
}

static const struct random generator = {.fill = fill};

static struct status refuse_to_open(const struct login *login, const char *user,
				    const struct secret *password, struct deadline deadline,
				    struct database **ret)
{
	(void)login, (void)user, (void)password, (void)deadline, (void)ret;
	return failure(STATUS_INTERNAL, "a plan opens nothing");
}

static const char *const engines[] = {"postgres", NULL};
static const struct password_rules rules[] = {
	{.min_length = 8, .max_length = 128},
	{.min_length = 12,
	 .max_length = 30,
	 .forbidden = "\"/@ ",
	 .required = {true, true, true, false},
	 .not_containing_user = true},
	{.max_length = 41, .required = {[CLASS_PUNCTUATION] = true}},
	{.forbidden = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'()*+,-.:;<=>?[]^_`{|}~"},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static const char *class_of(char c)
{
	static const char *const classes[] = {"abcdefghijklmnopqrstuvwxyz",
					      "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"};

	for (size_t i = 0; i < 3; i++)
		if (strchr(classes[i], c) != NULL)
			return classes[i];
	return "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
}

static void require_satisfied(const char *word, const struct config *config,
			      const struct password_rules *engine, const char *user)
{
	const bool excluded[CLASS_COUNT] = {config->exclude_lowercase, config->exclude_uppercase,
					    config->exclude_numbers, config->exclude_punctuation};
	const char samples[CLASS_COUNT] = {'a', 'A', '0', '!'};

	REQUIRE(strlen(word) == (size_t)config->password_length);
	REQUIRE(strlen(word) >= engine->min_length);
	REQUIRE(engine->max_length == 0 || strlen(word) <= engine->max_length);
	REQUIRE(word[strcspn(word, config->exclude_characters)] == '\0');
	REQUIRE(engine->forbidden == NULL || word[strcspn(word, engine->forbidden)] == '\0');
	REQUIRE(!engine->not_containing_user || strcasestr(word, user) == NULL);
	for (const char *c = word; *c != '\0'; c++)
		REQUIRE(*c > ' ' && *c < 0x7f);
	for (int class = 0; class < CLASS_COUNT; class ++) {
		bool there = word[strcspn(word, class_of(samples[class]))] != '\0';

		REQUIRE(!there || !excluded[class]);
		REQUIRE(there || !engine->required[class]);
		REQUIRE(there || excluded[class] || !config->require_each_included_type);
	}
}

static void make_password(const struct config *config, const struct password_rules *engine)
{
	static const char text[] = "{\"engine\":\"postgres\",\"host\":\"h\",\"username\":\"a\","
				   "\"password\":\"w\",\"rotation_usernames\":[\"a\",\"bc\"]}";
	const struct database_driver driver = {.engines = engines,
					       .default_port = 5432,
					       .default_dbname = "postgres",
					       .username_max = 63,
					       .password_rules = *engine,
					       .open = refuse_to_open};
	const struct database_driver *const drivers[] = {&driver, NULL};
	AUTO(credential_clear) struct credential current = CREDENTIAL_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT, word = SECRET_INIT;
	struct status status;

	REQUIRE(secret_make(text, sizeof(text) - 1, &value).code == STATUS_OK);
	REQUIRE(credential_parse(&value, "the secret", &current).code == STATUS_OK);
	status = plan_make(&current, config, drivers, &plan);
	require_sound(status);
	REQUIRE(status.code == STATUS_OK || status.code == STATUS_INVALID);
	if (status.code != STATUS_OK)
		return;
	status = password_generate(&plan.password_policy, &generator, &word);
	require_sound(status);
	/* A policy that all but excludes itself may find no word; it never finds a wrong one. */
	REQUIRE(status.code == STATUS_OK || status.code == STATUS_INVALID);
	if (status.code == STATUS_OK)
		require_satisfied(secret_reveal(&word), config, engine, plan.inactive_user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = INPUT(data, size);
	struct config config;
	struct status status;
	unsigned which;
	size_t count = 0;

	random_state = take_choice(&input, 256);
	which = take_choice(&input, RULES);
	while (input.at < input.end && count < VARIABLES_MAX)
		variables[count++] = take_line(&input);
	if (count < VARIABLES_MAX)
		variables[count] = NULL;
	status = config_load(look_up, &config);
	require_sound(status);
	if (status.code == STATUS_OK)
		make_password(&config, &rules[which]);
	else
		REQUIRE(status.code == STATUS_INVALID);
	for (size_t i = 0; i < count; i++)
		string_clear(&variables[i]);
	return 0;
}
