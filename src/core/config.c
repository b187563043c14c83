#include "core/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AT(member) offsetof(struct config, member)
#define TEXT(variable, member, default_text, words)                           \
	{                                                                     \
		.name = variable, .type = SETTING_TEXT, .offset = AT(member), \
		.fallback = default_text, .meaning = words                    \
	}
#define FLAG(variable, member, default_text, words)                              \
	{                                                                        \
		.name = variable, .type = SETTING_BOOLEAN, .offset = AT(member), \
		.fallback = default_text, .meaning = words                       \
	}
#define NUMBER(variable, member, default_text, least, most, words)                            \
	{                                                                                     \
		.name = variable, .type = SETTING_NUMBER, .offset = AT(member),               \
		.fallback = default_text, .minimum = least, .maximum = most, .meaning = words \
	}
#define CHOICE(variable, member, default_text, list, words)                     \
	{                                                                       \
		.name = variable, .type = SETTING_CHOICE, .offset = AT(member), \
		.fallback = default_text, .choices = list, .meaning = words     \
	}
#define GROUP(words)           \
	{                      \
		.group = words \
	}

const struct setting config_settings[] = {
	GROUP("What to rotate"),
	TEXT("AWS_SECRET_ID", secret_ids, NULL,
	     "Secrets a scheduled event rotates: names or ARNs, comma separated"),
	NUMBER("TANDEM_TIMEOUT", timeout, "300", 5, 3600,
	       "Seconds one command may take (Lambda sets its own deadline)"),
	NUMBER("TANDEM_PROXY_WAIT", proxy_wait, "120", 1, 900,
	       "Seconds testSecret waits for a proxy or a reader to pick up a new password"),
	CHOICE("TANDEM_LOG_LEVEL", log_level, NULL, "error|warn|info|debug",
	       "Least important line of the log; default info in a function, none in a command"),

	GROUP("The database"),
	TEXT("TANDEM_DATABASE_CA", database_ca, NULL,
	     "PEM file of CAs for direct connections; default the system store (RDS: its CA "
	     "bundle)"),
	TEXT("TANDEM_PROXY_CA", proxy_ca, NULL,
	     "PEM file of CAs for proxy endpoints; default the system store (RDS Proxy: leave "
	     "unset)"),
	TEXT("RDS_ENGINE", engine, NULL, "\"engine\" for a secret that has none"),
	TEXT("RDS_HOST", host, NULL, "\"host\" for a secret that has none"),
	NUMBER("RDS_PORT", port, NULL, 1, 65535, "\"port\" for a secret that has none"),
	TEXT("RDS_DBNAME", dbname, NULL, "\"dbname\" for a secret that has none"),

	GROUP("The new password"),
	NUMBER("PASSWORD_LENGTH", password_length, "32", 8, 128, "Characters"),
	TEXT("EXCLUDE_CHARACTERS", exclude_characters, ":/@\"'\\", "Characters never used"),
	FLAG("EXCLUDE_LOWERCASE", exclude_lowercase, "false", "No lower-case letters"),
	FLAG("EXCLUDE_UPPERCASE", exclude_uppercase, "false", "No upper-case letters"),
	FLAG("EXCLUDE_NUMBERS", exclude_numbers, "false", "No digits"),
	FLAG("EXCLUDE_PUNCTUATION", exclude_punctuation, "false", "No punctuation"),
	FLAG("REQUIRE_EACH_INCLUDED_TYPE", require_each_included_type, "true",
	     "At least one character of each class that is not excluded"),

	GROUP("Where AWS is"),
	TEXT("AWS_REGION", region, NULL, "Region, where a secret's ARN names none"),
	TEXT("AWS_DEFAULT_REGION", default_region, NULL, "The same, looked at second"),
	TEXT("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint_secrets_manager, NULL,
	     "Endpoint of Secrets Manager (a VPC endpoint, a test)"),
	TEXT("AWS_ENDPOINT_URL_STS", endpoint_sts, NULL, "Endpoint of STS"),
	TEXT("AWS_ENDPOINT_URL_RDS", endpoint_rds, NULL,
	     "Endpoint of RDS (asked about managed master secrets and readers only)"),
	TEXT("AWS_ENDPOINT_URL", endpoint_url, NULL, "Endpoint of every service"),
	TEXT("SECRETS_MANAGER_ENDPOINT", endpoint_template, NULL,
	     "The AWS rotation templates' name for the first of these; used last"),
	FLAG("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", ignore_endpoint_urls, "false",
	     "Ignore the endpoints above and those of a profile"),
	FLAG("AWS_USE_FIPS_ENDPOINT", use_fips, "false", "Use FIPS endpoints"),
	FLAG("AWS_USE_DUALSTACK_ENDPOINT", use_dualstack, "false", "Use dual-stack endpoints"),
	TEXT("AWS_CA_BUNDLE", ca_bundle, NULL,
	     "PEM file of CAs for AWS endpoints; default the system store"),

	GROUP("Who Tandem is to AWS"),
	TEXT("AWS_ACCESS_KEY_ID", access_key_id, NULL, "Access key (Lambda sets it)"),
	TEXT("AWS_SECRET_ACCESS_KEY", secret_access_key, NULL, "Its secret"),
	TEXT("AWS_SESSION_TOKEN", session_token, NULL, "Its session token, if temporary"),
	TEXT("AWS_WEB_IDENTITY_TOKEN_FILE", web_identity_token_file, NULL,
	     "Token file for AssumeRoleWithWebIdentity"),
	TEXT("AWS_ROLE_ARN", role_arn, NULL, "The role it assumes"),
	TEXT("AWS_ROLE_SESSION_NAME", role_session_name, NULL, "The session's name"),
	TEXT("AWS_PROFILE", profile, NULL, "Profile of the shared files"),
	TEXT("AWS_DEFAULT_PROFILE", default_profile, NULL, "The same, looked at second"),
	TEXT("AWS_SHARED_CREDENTIALS_FILE", credentials_file, NULL, "Default ~/.aws/credentials"),
	TEXT("AWS_CONFIG_FILE", config_file, NULL, "Default ~/.aws/config"),
	TEXT("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", container_relative_uri, NULL,
	     "Credential endpoint of ECS"),
	TEXT("AWS_CONTAINER_CREDENTIALS_FULL_URI", container_full_uri, NULL,
	     "Credential endpoint of EKS Pod Identity and others"),
	TEXT("AWS_CONTAINER_AUTHORIZATION_TOKEN", container_token, NULL, "Token for it"),
	TEXT("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", container_token_file, NULL,
	     "File with the token; wins"),
	FLAG("AWS_EC2_METADATA_DISABLED", metadata_disabled, "false",
	     "Do not ask the instance metadata service"),
	TEXT("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata_endpoint, NULL,
	     "Its address; default http://169.254.169.254"),
	TEXT("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", metadata_endpoint_mode, "IPv4",
	     "Which default address: IPv4 or IPv6"),
	TEXT("TANDEM_ASSUME_ROLE_ARN", assume_role_arn, NULL,
	     "Role to assume before anything else: a secret in another account"),
	TEXT("TANDEM_ASSUME_ROLE_EXTERNAL_ID", assume_role_external_id, NULL,
	     "External id for that role"),
	TEXT("HOME", home, NULL, "Where ~ is"),

	GROUP("Set by Lambda"),
	TEXT("AWS_LAMBDA_RUNTIME_API", lambda_runtime_api, NULL,
	     "Present: run as a Lambda function"),
	TEXT("AWS_LAMBDA_FUNCTION_NAME", lambda_function_name, NULL, "The function's name"),
	CHOICE("AWS_LAMBDA_LOG_FORMAT", lambda_log_format, NULL, "JSON|Text", "Form of a log line"),
	CHOICE("AWS_LAMBDA_LOG_LEVEL", lambda_log_level, NULL, "FATAL|ERROR|WARN|INFO|DEBUG|TRACE",
	       "Wins over TANDEM_LOG_LEVEL"),
};

const size_t config_setting_count = sizeof(config_settings) / sizeof(config_settings[0]);

static struct status read_boolean(const struct setting *setting, const char *text, bool *ret)
{
	static const char *const yes[] = {"true", "1", "yes", "on"};
	static const char *const no[] = {"false", "0", "no", "off"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(text, yes[i]) == 0) {
			*ret = true;
			return OK;
		}
		if (strcasecmp(text, no[i]) == 0) {
			*ret = false;
			return OK;
		}
	}
	return failure(STATUS_INVALID, "%s is neither true nor false: write true or false",
		       setting->name);
}

static struct status read_number(const struct setting *setting, const char *text, long *ret)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return failure(STATUS_INVALID,
			       "%s is not a whole number: write one from %ld to %ld", setting->name,
			       setting->minimum, setting->maximum);
	if (number < setting->minimum || number > setting->maximum)
		return failure(STATUS_INVALID, "%s is %ld: write a number from %ld to %ld",
			       setting->name, number, setting->minimum, setting->maximum);
	*ret = number;
	return OK;
}

static struct status read_choice(const struct setting *setting, const char *text, int *ret)
{
	size_t length = strlen(text);
	const char *at = setting->choices;

	for (int number = 1; *at != '\0'; number++) {
		size_t wide = strcspn(at, "|");

		if (wide == length && strncasecmp(at, text, length) == 0) {
			*ret = number;
			return OK;
		}
		at += wide + (at[wide] == '|');
	}
	return failure(STATUS_INVALID, "%s is none of %s", setting->name, setting->choices);
}

static struct status read_setting(const struct setting *setting, const char *text, void *at)
{
	switch (setting->type) {
	case SETTING_TEXT:
		*(const char **)at = text;
		return OK;
	case SETTING_BOOLEAN:
		return read_boolean(setting, text, at);
	case SETTING_NUMBER:
		return read_number(setting, text, at);
	case SETTING_CHOICE:
		return read_choice(setting, text, at);
	}
	return failure(STATUS_INTERNAL, "%s has no type", setting->name);
}

struct status config_load(const char *(*lookup)(const char *name), struct config *ret)
{
	struct config config = {0};

	for (size_t i = 0; i < config_setting_count; i++) {
		const struct setting *setting = &config_settings[i];
		const char *text;

		if (setting->name == NULL)
			continue;
		text = lookup(setting->name);
		if (text == NULL || *text == '\0')
			text = setting->fallback;
		if (text != NULL)
			TRY(read_setting(setting, text, (char *)&config + setting->offset));
	}
	*ret = config;
	return OK;
}

const char *config_region(const struct config *config)
{
	return config->region != NULL ? config->region : config->default_region;
}
