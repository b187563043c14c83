/*
 * Secrets Manager's answers to everything the store asks, refusals and lost answers among them.
 *
 * Input: which operation, then answers as in answers.h.
 */
#include "answers.h"

#include "clients/aws/aws.h"
#include "clients/aws/secrets_manager.h"

#define TOKEN "01234567-89ab-cdef-0123-456789abcdef"
#define ROTATION_TOKEN "rotation-token"
#define ARN "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"

static const struct config config = {.region = "eu-west-1",
				     .access_key_id = "AKIAFUZZ",
				     .secret_access_key = "secret",
				     .metadata_disabled = true};

static void require_version(struct status status, const struct secret_version *version)
{
	require_sound(status);
	REQUIRE(memchr(version->id, '\0', sizeof(version->id)) != NULL);
	REQUIRE(is_utf8(secret_reveal(&version->value), secret_length(&version->value)));
	if (status.code != STATUS_OK)
		REQUIRE(secret_empty(&version->value));
}

static bool has_id(const struct secret_version *version, void *context)
{
	(void)context;
	return version->id[0] == '1';
}

static void read_one(struct secret_store *store, unsigned which)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;
	struct status status;

	if (which == 0)
		status = store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version);
	else if (which == 1)
		status = store->ops->get(store, "app", STAGE_PENDING, TOKEN, false, &version);
	else
		status = store->ops->find(store, "app", has_id, NULL, &version);
	require_version(status, &version);
}

static void read_batch(struct secret_store *store)
{
	static const char *const ids[] = {"app", ARN "proxy", ARN "proxy-clone-AbCdEf"};
	enum { COUNT = sizeof(ids) / sizeof(ids[0]) };
	struct secret_reading readings[COUNT] = {0};

	require_sound(store->ops->get_current(store, ids, COUNT, readings));
	for (size_t i = 0; i < COUNT; i++)
		require_version(readings[i].status, &readings[i].version);
	secret_readings_clear(readings, COUNT);
}

/* AWS may repeat what it was sent; we do not repeat that. */
static void require_written(struct status status)
{
	require_sound(status);
	REQUIRE(strstr(status.detail, ROTATION_TOKEN) == NULL);
}

static void describe_and_write(struct secret_store *store, unsigned which)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	struct status status = store->ops->describe(store, ARN "app", &labels);

	require_sound(status);
	if (status.code != STATUS_OK)
		return;
	REQUIRE(memchr(labels.current, '\0', sizeof(labels.current)) != NULL);
	REQUIRE(memchr(labels.pending, '\0', sizeof(labels.pending)) != NULL);
	REQUIRE(memchr(labels.previous, '\0', sizeof(labels.previous)) != NULL);
	REQUIRE(secret_make("{}", 2, &value).code == STATUS_OK);
	if (which == 0)
		require_written(store->ops->stage(store, ARN "app", TOKEN, &value, &labels));
	if (which == 1)
		require_written(store->ops->stage(store, ARN "app", TOKEN, &value, NULL));
	if (which == 2)
		require_sound(store->ops->promote(store, ARN "app", TOKEN, labels.current));
	if (which == 3)
		require_sound(store->ops->rotate(store, ARN "app", TOKEN));
	if (which == 4)
		require_sound(store->ops->check_write(store, ARN "app", &labels));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(aws_close) struct aws *aws = NULL;
	AUTO(secret_store_close) struct secret_store *store = NULL;
	AUTO(secret_clear) struct secret rotation_token = SECRET_INIT;
	struct input input = INPUT(data, size);
	unsigned operation = take_choice(&input, 9);
	struct secrets_manager_options options = {.application_secret_id = ARN "app",
						  .rotation_token = &rotation_token};

	answers_begin(input);
	options.deadline = answers_deadline();
	REQUIRE(secret_make(ROTATION_TOKEN, strlen(ROTATION_TOKEN), &rotation_token).code ==
		STATUS_OK);
	REQUIRE(aws_open(&config, &aws).code == STATUS_OK);
	REQUIRE(secrets_manager_open(aws, &options, &store).code == STATUS_OK);
	if (operation < 3)
		read_one(store, operation);
	else if (operation == 3)
		read_batch(store);
	else
		describe_and_write(store, operation - 4);
	REQUIRE(answers_asked() > 0 && answers_asked() < 200);
	return 0;
}
