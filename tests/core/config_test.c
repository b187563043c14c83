#include "test.h"

#include "core/config.h"
#include "core/log.h"

#include <stdio.h>
#include <stdlib.h>

static const char *variable, *value;

static const char *look_up(const char *name)
{
	return variable != NULL && strcmp(name, variable) == 0 ? value : NULL;
}

static struct status load(const char *name, const char *text, struct config *ret)
{
	variable = name;
	value = text;
	return config_load(look_up, ret);
}

static void config_with_nothing_set_has_the_defaults(void **state)
{
	struct config config;

	(void)state;
	assert_ok(load(NULL, NULL, &config));
	assert_int_equal(config.password_length, 32);
	assert_string_equal(config.exclude_characters, ":/@\"'\\");
	assert_true(config.require_each_included_type);
	assert_false(config.exclude_numbers);
	assert_int_equal(config.timeout, 300);
	assert_int_equal(config.log_level, 0);
	assert_null(config.database_ca);
}

static void config_reads_each_type(void **state)
{
	struct config config;

	(void)state;
	assert_ok(load("PASSWORD_LENGTH", "40", &config));
	assert_int_equal(config.password_length, 40);
	assert_ok(load("EXCLUDE_NUMBERS", "TRUE", &config));
	assert_true(config.exclude_numbers);
	assert_ok(load("REQUIRE_EACH_INCLUDED_TYPE", "no", &config));
	assert_false(config.require_each_included_type);
	assert_ok(load("TANDEM_LOG_LEVEL", "Warn", &config));
	assert_int_equal(config.log_level, LOG_WARN);
	assert_ok(load("AWS_LAMBDA_LOG_FORMAT", "json", &config));
	assert_int_equal(config.lambda_log_format, LOG_FORMAT_JSON);
	assert_ok(load("RDS_HOST", "db", &config));
	assert_string_equal(config.host, "db");
}

static void config_takes_an_empty_variable_for_unset(void **state)
{
	struct config config;

	(void)state;
	assert_ok(load("PASSWORD_LENGTH", "", &config));
	assert_int_equal(config.password_length, 32);
}

static void config_names_the_variable_that_does_not_parse(void **state)
{
	struct config config;

	(void)state;
	assert_failed(load("PASSWORD_LENGTH", "many", &config), STATUS_INVALID,
		      "PASSWORD_LENGTH is not a whole number: write one from 8 to 128");
	assert_failed(load("PASSWORD_LENGTH", "32x", &config), STATUS_INVALID, "not a whole");
	assert_failed(load("PASSWORD_LENGTH", "4", &config), STATUS_INVALID, "from 8 to 128");
	assert_failed(load("PASSWORD_LENGTH", "99999999999999999999", &config), STATUS_INVALID,
		      "8");
	assert_failed(load("RDS_PORT", "70000", &config), STATUS_INVALID, "RDS_PORT");
	assert_failed(load("EXCLUDE_NUMBERS", "maybe", &config), STATUS_INVALID, "EXCLUDE_NUMBERS");
	assert_failed(load("TANDEM_LOG_LEVEL", "loud", &config), STATUS_INVALID,
		      "error|warn|info|debug");
	assert_failed(load("TANDEM_LOG_LEVEL", "inf", &config), STATUS_INVALID, "TANDEM_LOG_LEVEL");
}

static void config_region_falls_back_to_the_default_region(void **state)
{
	struct config config;

	(void)state;
	assert_ok(load(NULL, NULL, &config));
	assert_null(config_region(&config));
	assert_ok(load("AWS_DEFAULT_REGION", "eu-west-1", &config));
	assert_string_equal(config_region(&config), "eu-west-1");
}

static void config_settings_are_documented_once_each(void **state)
{
	(void)state;
	assert_null(config_settings[0].name);
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct setting *setting = &config_settings[i];

		assert_true((setting->name == NULL) != (setting->group == NULL));
		if (setting->name == NULL)
			continue;
		assert_true(strlen(setting->meaning) > 3 && strlen(setting->meaning) < 110);
		for (size_t j = i + 1; j < config_setting_count; j++)
			if (config_settings[j].name != NULL)
				assert_string_not_equal(setting->name, config_settings[j].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_with_nothing_set_has_the_defaults),
		cmocka_unit_test(config_reads_each_type),
		cmocka_unit_test(config_takes_an_empty_variable_for_unset),
		cmocka_unit_test(config_names_the_variable_that_does_not_parse),
		cmocka_unit_test(config_region_falls_back_to_the_default_region),
		cmocka_unit_test(config_settings_are_documented_once_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
