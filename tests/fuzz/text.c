/*
 * What we say: a sentence cut to fit, a line of the log. Whatever bytes went in, a line is one JSON
 * object in UTF-8, or one line of text.
 *
 * Input: the log's form, then a message and a field's value, a line each.
 */
#include "fuzz.h"

#include "core/json.h"
#include "core/log.h"

#include <sys/mman.h>
#include <unistd.h>

static void require_line(const struct log *log, const char *message, const char *value)
{
	static char line[32 * 1024];
	ssize_t length = pread(log->fd, line, sizeof(line), 0);
	AUTO(json_clear) cJSON *tree = NULL;

	REQUIRE(length > 0 && length < (ssize_t)sizeof(line));
	REQUIRE(line[length - 1] == '\n');
	REQUIRE(memchr(line, '\n', (size_t)length) == line + length - 1);
	REQUIRE(ftruncate(log->fd, 0) == 0 && lseek(log->fd, 0, SEEK_SET) == 0);
	if (log->format == LOG_FORMAT_TEXT)
		return;
	REQUIRE(is_utf8(line, (size_t)length));
	tree = cJSON_ParseWithLength(line, (size_t)length);
	REQUIRE(cJSON_IsObject(tree));
	/* Sound text comes through as it is. */
	if (is_utf8(message, strlen(message)) && strlen(message) < 1024)
		REQUIRE(strcmp(json_string(tree, "message"), message) == 0);
	if (is_utf8(value, strlen(value)) && strlen(value) < 1024 && *value != '\0')
		REQUIRE(strcmp(json_string(tree, "secret"), value) == 0);
}

/* Nothing in it has to be replaced. */
static bool is_plain(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f ||
		    ((unsigned char)*c == 0xc2 && (unsigned char)c[1] < 0xa0))
			return false;
	return is_utf8(text, strlen(text));
}

static void require_cut(struct status status, const char *whole)
{
	size_t length = strlen(status.detail);

	require_sound(status);
	if (!is_plain(whole))
		return;
	if (strlen(whole) < sizeof(status.detail)) {
		REQUIRE(strcmp(status.detail, whole) == 0);
		return;
	}
	REQUIRE(length > sizeof(status.detail) - 5);
	REQUIRE(strcmp(status.detail + length - 3, "...") == 0);
	REQUIRE(memcmp(status.detail, whole, length - 3) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct log log = {.fd = -1, .level = LOG_DEBUG};
	AUTO(string_clear) char *message = NULL, *value = NULL;
	struct input input = INPUT(data, size);
	struct status status;

	if (log.fd < 0)
		log.fd = memfd_create("log", 0);
	log.format = take_choice(&input, 2) == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	message = take_line(&input);
	value = take_line(&input);
	const struct log_field fields[] = {LOG_TEXT("secret", value), LOG_NUMBER("durationMs", -1),
					   LOG_END};

	log_write(&log, LOG_ERROR, message, fields);
	require_line(&log, message, value);
	if (*message == '\0')
		return 0;
	status = failure(STATUS_INVALID, "%s", message);
	require_cut(status, message);
	require_sound(status_while(status, "'%.64s' at %s", value, message));
	log_write(&log, LOG_ERROR, status.detail, fields);
	require_line(&log, status.detail, value);
	return 0;
}
