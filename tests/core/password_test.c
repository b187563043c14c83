#include "test.h"

#include "core/password.h"

#include <ctype.h>
#include <stdio.h>

static unsigned random_state;

static struct status repeatable_fill(void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		random_state = random_state * 1103515245 + 12345;
		((unsigned char *)bytes)[i] = (unsigned char)(random_state >> 16);
	}
	return OK;
}

static struct status no_bytes(void *bytes, size_t length)
{
	(void)bytes;
	(void)length;
	return failure(STATUS_UNAVAILABLE, "no entropy");
}

static const struct random repeatable = {.fill = repeatable_fill}, dry = {.fill = no_bytes};

static int count_in(const char *word, int (*is)(int))
{
	int count = 0;

	for (; *word != '\0'; word++)
		count += is((unsigned char)*word) != 0;
	return count;
}

static void password_by_default_has_every_class_and_no_excluded_character(void **state)
{
	struct password_policy policy = PASSWORD_POLICY_DEFAULT;

	(void)state;
	for (int i = 0; i < 500; i++) {
		AUTO(secret_clear) struct secret password = SECRET_INIT;
		const char *word;

		assert_ok(password_generate(&policy, &repeatable, &password));
		word = secret_reveal(&password);
		assert_int_equal(strlen(word), 32);
		assert_true(count_in(word, islower) > 0 && count_in(word, isupper) > 0 &&
			    count_in(word, isdigit) > 0 && count_in(word, ispunct) > 0);
		assert_null(strpbrk(word, ":/@\"'\\"));
	}
}

/* Every character of the alphabet as often as any other: a biased draw would show here. */
static void password_characters_are_uniform(void **state)
{
	struct password_policy policy = {.length = 64,
					 .allowed = {[CLASS_LOWER] = true, [CLASS_DIGIT] = true}};
	int seen[256] = {0};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		AUTO(secret_clear) struct secret password = SECRET_INIT;

		assert_ok(password_generate(&policy, &repeatable, &password));
		for (const char *c = secret_reveal(&password); *c != '\0'; c++)
			seen[(unsigned char)*c]++;
	}
	/* 128,000 characters over 36: 3,555 each, standard deviation 59. */
	for (int c = 0; c < 256; c++)
		if (islower(c) || isdigit(c))
			assert_in_range(seen[c], 3555 - 6 * 59, 3555 + 6 * 59);
		else
			assert_int_equal(seen[c], 0);
}

static void password_rules_narrow_the_policy(void **state)
{
	static const struct password_rules rules = {.min_length = 12,
						    .max_length = 30,
						    .forbidden = "#-",
						    .required = {[CLASS_DIGIT] = true},
						    .not_containing_user = true};
	struct password_policy policy = {
		.length = 30, .allowed = {true, true, true, true}, .excluded = "!"};

	(void)state;
	assert_ok(password_policy_narrow(&policy, &rules, "oracle", "a"));
	for (int i = 0; i < 200; i++) {
		AUTO(secret_clear) struct secret password = SECRET_INIT;

		assert_ok(password_generate(&policy, &repeatable, &password));
		assert_null(strpbrk(secret_reveal(&password), "#-!aA"));
		assert_true(count_in(secret_reveal(&password), isdigit) > 0);
	}
}

static void password_rules_that_cannot_be_met_name_the_variable(void **state)
{
	static const struct password_rules wants_digit = {.required = {[CLASS_DIGIT] = true}};
	static const struct password_rules is_long = {.min_length = 40};
	static const struct password_rules is_short = {.max_length = 20};
	struct password_policy policy = PASSWORD_POLICY_DEFAULT;

	(void)state;
	assert_failed(password_policy_narrow(&policy, &is_long, "x", "u"), STATUS_INVALID,
		      "PASSWORD_LENGTH");
	assert_failed(password_policy_narrow(&policy, &is_short, "x", "u"), STATUS_INVALID,
		      "at most 20");
	policy.allowed[CLASS_DIGIT] = policy.required[CLASS_DIGIT] = false;
	assert_failed(password_policy_narrow(&policy, &wants_digit, "x", "u"), STATUS_INVALID,
		      "EXCLUDE_NUMBERS");
}

static void password_policy_that_excludes_all_is_refused(void **state)
{
	struct password_policy policy = {.length = 32, .allowed = {[CLASS_DIGIT] = true}};
	AUTO(secret_clear) struct secret password = SECRET_INIT;

	(void)state;
	snprintf(policy.excluded, sizeof(policy.excluded), "0123456789");
	assert_failed(password_generate(&policy, &repeatable, &password), STATUS_INVALID,
		      "excludes every character");
	policy = PASSWORD_POLICY_DEFAULT;
	snprintf(policy.excluded, sizeof(policy.excluded), "0123456789");
	assert_failed(password_generate(&policy, &repeatable, &password), STATUS_INVALID,
		      "EXCLUDE_CHARACTERS or EXCLUDE_NUMBERS");
	policy = PASSWORD_POLICY_DEFAULT;
	policy.length = 3;
	assert_failed(password_generate(&policy, &repeatable, &password), STATUS_INVALID,
		      "too short");
}

static void password_without_random_bytes_fails(void **state)
{
	struct password_policy policy = PASSWORD_POLICY_DEFAULT;
	AUTO(secret_clear) struct secret password = SECRET_INIT;

	(void)state;
	assert_failed(password_generate(&policy, &dry, &password), STATUS_UNAVAILABLE,
		      "no entropy");
	assert_true(secret_empty(&password));
}

/* One letter is left and the user's name is that letter: no draw will ever do. */
static void password_that_cannot_be_drawn_gives_up(void **state)
{
	struct password_policy policy = {
		.length = 8, .allowed = {true}, .excluded = "bcdefghijklmnopqrstuvwxyz"};
	AUTO(secret_clear) struct secret password = SECRET_INIT;

	(void)state;
	policy.not_containing = "A";
	assert_failed(password_generate(&policy, &repeatable, &password), STATUS_INVALID,
		      "no password that satisfies the policy came up in 10000 draws");
	policy.not_containing = "";
	assert_ok(password_generate(&policy, &repeatable, &password));
	assert_string_equal(secret_reveal(&password), "aaaaaaaa");
}

static void password_policy_with_nothing_to_draw_is_refused(void **state)
{
	struct password_policy policy = PASSWORD_POLICY_DEFAULT;

	(void)state;
	policy.length = 3;
	assert_failed(password_policy_check(&policy), STATUS_INVALID, "for one of each of 4");
	policy = (struct password_policy){.length = 0, .allowed = {true}};
	assert_failed(password_policy_check(&policy), STATUS_INVALID, "PASSWORD_LENGTH is 0");
	policy.length = 1;
	assert_ok(password_policy_check(&policy));
}

static void password_policy_has_room_for_what_an_engine_forbids_or_says_so(void **state)
{
	const struct password_rules rules = {.min_length = 1, .forbidden = "#%"};
	struct password_policy policy = {.length = 8, .allowed = {true}};

	(void)state;
	memset(policy.excluded, '#', 127);
	assert_ok(password_policy_narrow(&policy, &rules, "engine", "user"));
	assert_int_equal(strlen(policy.excluded), 128);
	policy.excluded[127] = '#';
	assert_failed(password_policy_narrow(&policy, &rules, "engine", "user"), STATUS_INVALID,
		      "EXCLUDE_CHARACTERS is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_that_cannot_be_drawn_gives_up),
		cmocka_unit_test(password_policy_with_nothing_to_draw_is_refused),
		cmocka_unit_test(password_policy_has_room_for_what_an_engine_forbids_or_says_so),
		cmocka_unit_test(password_by_default_has_every_class_and_no_excluded_character),
		cmocka_unit_test(password_characters_are_uniform),
		cmocka_unit_test(password_rules_narrow_the_policy),
		cmocka_unit_test(password_rules_that_cannot_be_met_name_the_variable),
		cmocka_unit_test(password_policy_that_excludes_all_is_refused),
		cmocka_unit_test(password_without_random_bytes_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
