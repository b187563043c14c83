/*
 * Where keys come from: STS's XML, the JSON of a container's endpoint and of the instance metadata
 * service, and the tokens and role names on the way there.
 *
 * Input: which source; the setting it has (a URL, a token, the keys' own file); then answers as in
 * answers.h.
 */
#include "answers.h"

#include "clients/aws/credentials.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char token_path[64];

/* The web identity token, in a file that is nowhere. */
static int make_token_file(const char *token)
{
	int fd = memfd_create("token", 0);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, token, strlen(token)) == (ssize_t)strlen(token));
	snprintf(token_path, sizeof(token_path), "/proc/self/fd/%d", fd);
	return fd;
}

static void require_keys(struct status status, const struct aws_keys *keys)
{
	require_sound(status);
	REQUIRE(memchr(keys->source, '\0', sizeof(keys->source)) != NULL);
	if (status.code != STATUS_OK) {
		REQUIRE(keys->access_key_id == NULL && secret_empty(&keys->secret_access_key));
		return;
	}
	REQUIRE(keys->access_key_id != NULL);
	REQUIRE(strstr(status.detail, secret_reveal(&keys->secret_access_key)) == NULL ||
		secret_empty(&keys->secret_access_key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	AUTO(string_clear) char *setting = NULL;
	struct config config = {.region = "eu-west-1"};
	struct credentials_context context = {
		.config = &config, .profile = &profile, .region = "eu-west-1"};
	struct input input = INPUT(data, size);
	unsigned source = take_choice(&input, 6), count = 0;
	int64_t skew = 0;
	int fd = -1;

	setting = take_line(&input);
	if (source == 0) {
		config.access_key_id = "AKIAFUZZ";
		config.secret_access_key = "secret";
		config.assume_role_arn = setting;
		config.assume_role_external_id = "x&y=";
	}
	if (source == 1) {
		fd = make_token_file(setting);
		config.web_identity_token_file = token_path;
		config.role_arn = "arn:aws:iam::123456789012:role/web";
	}
	if (source == 2)
		config.container_full_uri = setting;
	if (source == 3) {
		config.container_relative_uri = setting;
		config.container_token = "Bearer é";
	}
	if (source == 4)
		config.metadata_endpoint = setting;
	answers_begin(input);
	context.deadline = answers_deadline();
	context.clock_skew = &skew;
	context.count = &count;
	require_keys(credentials_fetch(&context, &keys), &keys);
	REQUIRE(answers_asked() < 100);
	if (fd >= 0)
		close(fd);
	return 0;
}
