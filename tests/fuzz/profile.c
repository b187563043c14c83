/*
 * ~/.aws/credentials and ~/.aws/config, as anybody may have written them.
 *
 * Input: the profile's name; the credentials file up to a line "--"; the config file.
 */
#include "fuzz.h"

#include "clients/aws/profile.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file that is nowhere, and its path. */
static int make_file(const char *text, size_t length, char path[32])
{
	int fd = memfd_create("profile", 0);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, text, length) == (ssize_t)length);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* A value is what stands on one line, without the white space around it. */
static void require_value(const char *text)
{
	if (text == NULL)
		return;
	REQUIRE(*text != '\0' && strchr(text, '\n') == NULL);
	REQUIRE(strchr(" \t\r", text[0]) == NULL || *text == '\r');
	REQUIRE(strchr(" \t\r", text[strlen(text) - 1]) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	AUTO(string_clear) char *name = NULL;
	struct input input = INPUT(data, size);
	char credentials_path[32], config_path[32];
	struct config config = {.credentials_file = credentials_path, .config_file = config_path};
	struct status status;
	const char *border;
	int credentials, configuration;
	size_t first, left;

	name = take_line(&input);
	left = (size_t)(input.end - input.at);
	border = left > 0 ? memmem(input.at, left, "--\n", 3) : NULL;
	first = border != NULL ? (size_t)(border - input.at) : left;
	credentials = make_file(input.at, first, credentials_path);
	input.at += first + (border != NULL ? 3 : 0);
	configuration = make_file(input.at, (size_t)(input.end - input.at), config_path);
	status = profile_load(&config, name, &profile);
	close(credentials);
	close(configuration);
	require_sound(status);
	if (status.code != STATUS_OK) {
		REQUIRE(status.code == STATUS_INVALID || status.code == STATUS_NOT_FOUND);
		REQUIRE(profile.name == NULL);
		return 0;
	}
	require_value(profile.access_key_id);
	require_value(profile.region);
	require_value(profile.role_arn);
	require_value(profile.endpoint_url);
	for (size_t i = 0; i < AWS_SERVICE_COUNT; i++)
		require_value(profile.service_endpoint_urls[i]);
	REQUIRE(profile.duration_seconds == 0 ||
		(profile.duration_seconds >= 900 && profile.duration_seconds <= 43200));
	return 0;
}
