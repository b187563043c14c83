/* profile: AWS's shared files, as people write them. */
#include "test.h"

#include "clients/aws/profile.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32], credentials_path[64], config_path[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/profile-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(credentials_path, sizeof(credentials_path), "%s/credentials", folder);
	snprintf(config_path, sizeof(config_path), "%s/config", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(credentials_path);
	unlink(config_path);
	return rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct config config_here(const char *credentials, const char *config)
{
	unlink(credentials_path);
	unlink(config_path);
	if (credentials != NULL)
		write_file(credentials_path, credentials);
	if (config != NULL)
		write_file(config_path, config);
	return (struct config){.credentials_file = credentials_path, .config_file = config_path};
}

static void profile_keys_come_from_both_files(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	struct config config = config_here("# comment\n"
					   "[other]\naws_access_key_id = WRONG\n"
					   "[dev]\r\n"
					   "aws_access_key_id=AKIADEV\r\n"
					   "  \n"
					   "; comment\n"
					   "aws_secret_access_key = a/b+c=d#e\n",
					   "[profile  dev ]\n"
					   "region = eu-west-1\n"
					   "aws_access_key_id = OLD\n"
					   "duration_seconds = 1800\n"
					   "[profile other]\nregion = no\n");

	(void)state;
	assert_ok(profile_load(&config, "dev", &profile));
	assert_string_equal(profile.access_key_id, "AKIADEV");
	assert_string_equal(secret_reveal(&profile.secret_access_key), "a/b+c=d#e");
	assert_string_equal(profile.region, "eu-west-1");
	assert_int_equal(profile.duration_seconds, 1800);
	assert_null(profile.role_arn);
	assert_null(profile.unsupported);
}

static void profile_long_session_token_is_whole(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	static char text[4000] = "[default]\naws_session_token = ";

	(void)state;
	memset(text + strlen(text), 'T', 3000);
	struct config config = config_here(text, NULL);
	assert_ok(profile_load(&config, "default", &profile));
	assert_int_equal(secret_length(&profile.session_token), 3000);
}

static void profile_default_of_the_config_file_has_no_prefix(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	struct config config = config_here(NULL, "[default]\nregion = r-1\n[dev]\nregion = no\n");

	(void)state;
	assert_ok(profile_load(&config, "default", &profile));
	assert_string_equal(profile.region, "r-1");
	assert_failed(profile_load(&config, "dev", &profile), STATUS_NOT_FOUND, "profile 'dev'");
	assert_failed(profile_load(&config, "dev", &profile), STATUS_NOT_FOUND, config_path);
}

static void profile_nested_settings_are_not_the_profiles_own(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	struct config config = config_here(NULL, "[profile a]\n"
						 "s3 =\n"
						 "  endpoint_url = http://s3\n"
						 "services = here\n"
						 "endpoint_url = http://all\n"
						 "[services here]\n"
						 "s3 =\n"
						 "  endpoint_url = http://s3\n"
						 "secrets_manager =\n"
						 "  other = x\n"
						 "  endpoint_url = http://sm\n"
						 "[services there]\n"
						 "sts =\n"
						 "  endpoint_url = http://no\n");

	(void)state;
	assert_ok(profile_load(&config, "a", &profile));
	assert_string_equal(profile.endpoint_url, "http://all");
	assert_string_equal(profile.service_endpoint_urls[AWS_SECRETS_MANAGER], "http://sm");
	assert_null(profile.service_endpoint_urls[AWS_STS]);
}

static void profile_what_we_do_not_do_is_named(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	struct config config = config_here(NULL, "[profile a]\nsso_session = corp\n"
						 "[profile b]\ncredential_process = x\n");

	(void)state;
	assert_ok(profile_load(&config, "a", &profile));
	assert_string_equal(profile.unsupported, "sso_session");
	assert_ok(profile_load(&config, "b", &profile));
	assert_string_equal(profile.unsupported, "credential_process");
}

static void profile_bad_duration_is_refused(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	struct config config = config_here(NULL, "[default]\nduration_seconds = 1h\n");

	(void)state;
	assert_failed(profile_load(&config, "default", &profile), STATUS_INVALID,
		      "duration_seconds");
}

static void profile_without_files_or_home_is_not_found(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	struct config config = {.home = folder};

	(void)state;
	config_here(NULL, NULL);
	assert_failed(profile_load(&config, "default", &profile), STATUS_NOT_FOUND, "/.aws/config");
	config.home = NULL;
	assert_failed(profile_load(&config, "default", &profile), STATUS_NOT_FOUND, "default");
}

static void profile_file_that_cannot_be_read_is_refused(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	struct config config = {.config_file = folder};
	static char large[300 * 1024];

	(void)state;
	assert_failed(profile_load(&config, "default", &profile), STATUS_INVALID, folder);
	config.credentials_file = credentials_path;
	memset(large, '\n', sizeof(large) - 1);
	config_here(large, NULL);
	assert_failed(profile_load(&config, "default", &profile), STATUS_INVALID, credentials_path);
}

/* HOME may be somebody else's: root's, in a container whose user is another. */
static void profile_files_in_a_home_of_somebody_else_are_not_there(void **state)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	struct config config = {.home = folder};
	char aws[64], credentials[80];
	bool is_root = geteuid() == 0;

	(void)state;
	snprintf(aws, sizeof(aws), "%s/.aws", folder);
	snprintf(credentials, sizeof(credentials), "%s/credentials", aws);
	assert_int_equal(mkdir(aws, 0700), 0);
	write_file(credentials, "[default]\naws_access_key_id = AKIAROOT\n");
	assert_int_equal(chmod(aws, is_root ? 0700 : 0), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(seteuid(is_root ? 65534 : geteuid()), 0);
	struct status hidden = profile_load(&config, "default", &profile);
	config.credentials_file = credentials;
	struct status named = profile_load(&config, "default", &profile);
	assert_int_equal(seteuid(is_root ? 0 : geteuid()), 0);
	assert_int_equal(chmod(aws, 0700), 0);
	assert_failed(hidden, STATUS_NOT_FOUND, "neither in");
	assert_failed(named, STATUS_INVALID, "Permission denied");
	assert_int_equal(unlink(credentials), 0);
	assert_int_equal(rmdir(aws), 0);
}

static void profile_wanted_follows_the_environment(void **state)
{
	struct config config = {.profile = "one", .default_profile = "two"};

	(void)state;
	assert_string_equal(profile_wanted(&config), "one");
	config.profile = NULL;
	assert_string_equal(profile_wanted(&config), "two");
	config.default_profile = NULL;
	assert_string_equal(profile_wanted(&config), "default");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_keys_come_from_both_files),
		cmocka_unit_test(profile_long_session_token_is_whole),
		cmocka_unit_test(profile_default_of_the_config_file_has_no_prefix),
		cmocka_unit_test(profile_nested_settings_are_not_the_profiles_own),
		cmocka_unit_test(profile_what_we_do_not_do_is_named),
		cmocka_unit_test(profile_bad_duration_is_refused),
		cmocka_unit_test(profile_without_files_or_home_is_not_found),
		cmocka_unit_test(profile_file_that_cannot_be_read_is_refused),
		cmocka_unit_test(profile_files_in_a_home_of_somebody_else_are_not_there),
		cmocka_unit_test(profile_wanted_follows_the_environment),
	};

	memory_init();
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
