/*
 * The Runtime API: the headers of an invocation, its payload, and what the API says to an answer. The
 * loop runs as in a function; only that no secret store can be opened.
 *
 * Input: answers as in answers.h, to a poll and to a response in turn.
 */
#include "answers.h"

#include "core/json.h"
#include "runtime/lambda.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOG_LIMIT (256 * 1024)

static struct status open_nothing(void *context, const struct store_request *request,
				  struct secret_store **ret)
{
	(void)context, (void)ret;
	REQUIRE(deadline_left(request->deadline) >= 0);
	return failure(STATUS_INVALID, "no store for '%s'", request->secret_id);
}

static struct status name_nobody(void *context, const struct store_request *request, char *ret,
				 size_t size)
{
	(void)context, (void)request, (void)size;
	*ret = '\0';
	return OK;
}

static struct status make_token(char ret[VERSION_ID_MAX + 1])
{
	memcpy(ret, "01234567-89ab-cdef-0123-456789abcdef", 37);
	return OK;
}

/* Every line is one JSON object, whatever came in. */
static void require_log(int fd)
{
	static char text[LOG_LIMIT];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	char *line = text, *end;

	REQUIRE(length >= 0 && length < (ssize_t)sizeof(text) - 1);
	text[length] = '\0';
	REQUIRE(strlen(text) == (size_t)length);
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		AUTO(json_clear) cJSON *tree = cJSON_ParseWithLength(line, (size_t)(end - line));

		REQUIRE(cJSON_IsObject(tree));
		REQUIRE(is_utf8(line, (size_t)(end - line)));
	}
	REQUIRE(*line == '\0');
	REQUIRE(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct log log = {.fd = -1, .level = LOG_DEBUG, .format = LOG_FORMAT_JSON};
	const struct config config = {
		.timeout = 300, .secret_ids = "a,b", .lambda_runtime_api = "127.0.0.1:1"};
	const struct database_driver *const drivers[] = {NULL};
	const struct program program = {.config = &config,
					.log = &log,
					.drivers = drivers,
					.open_store = open_nothing,
					.describe_caller = name_nobody,
					.make_token = make_token};

	if (log.fd < 0)
		log.fd = memfd_create("log", 0);
	answers_begin(INPUT(data, size));
	lambda_run(&program);
	require_log(log.fd);
	return 0;
}
