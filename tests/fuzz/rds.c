/*
 * RDS's answers to whoever looks for a database: pages, members, replicas of replicas, refusals.
 *
 * Input: which question, then answers as in answers.h.
 */
#include "answers.h"

#include "clients/aws/aws.h"
#include "clients/aws/rds.h"

#include <strings.h>

#define ARN "arn:aws:rds:eu-west-1:123456789012:"

static const struct config config = {.region = "eu-west-1",
				     .access_key_id = "AKIAFUZZ",
				     .secret_access_key = "secret",
				     .metadata_disabled = true};

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static struct status ask(struct directory *directory, unsigned question, struct place *ret)
{
	static const char *const hosts[] = {"a.example", "a.cluster-ro-b.example"};

	if (question == 0)
		return directory->ops->find(directory, ARN "db:a", ret);
	if (question == 1)
		return directory->ops->find(directory, ARN "cluster:a", ret);
	return directory->ops->find_writer(directory, hosts[question - 2], ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(aws_close) struct aws *aws = NULL;
	AUTO(directory_close) struct directory *directory = NULL;
	struct input input = INPUT(data, size);
	unsigned question = take_choice(&input, 4);
	struct rds_options options = {.application_secret_id = "app"};
	struct place place;
	struct status status;

	answers_begin(input);
	options.deadline = answers_deadline();
	REQUIRE(aws_open(&config, &aws).code == STATUS_OK);
	REQUIRE(rds_open(aws, &options, &directory).code == STATUS_OK);
	memset(&place, 'x', sizeof(place));
	status = ask(directory, question, &place);
	require_sound(status);
	REQUIRE(answers_asked() > 0);
	if (status.code != STATUS_OK) {
		REQUIRE(place.host[0] == 'x'); /* untouched */
		return 0;
	}
	REQUIRE(ends(place.host, sizeof(place.host)) && place.host[0] != '\0');
	REQUIRE(ends(place.engine, sizeof(place.engine)) && place.engine[0] != '\0');
	REQUIRE(place.port > 0);
	REQUIRE(is_utf8(place.host, strlen(place.host)));
	return 0;
}
