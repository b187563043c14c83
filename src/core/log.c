#include "core/log.h"

#include "core/buffer.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/utf8.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Well under CloudWatch's 256 KB for one event. */
#define LINE_MAX_BYTES 16384

static const char *const level_names[] = {
	[LOG_ERROR] = "ERROR", [LOG_WARN] = "WARN", [LOG_INFO] = "INFO", [LOG_DEBUG] = "DEBUG"};

static void format_now(char ret[32])
{
	int64_t now = clock_unix_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm utc;
	size_t used;

	gmtime_r(&seconds, &utc);
	used = strftime(ret, 32, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(ret + used, 32 - used, ".%03dZ", (int)(now % 1000));
}

static struct status append_json_field(struct buffer *line, const char *key, const char *text)
{
	TRY(buffer_append_string(line, ","));
	TRY(json_quote(key, line));
	TRY(buffer_append_string(line, ":"));
	return json_quote(text, line);
}

static struct status build_json(const char *now, enum log_level level, const char *message,
				const struct log_field *field, struct buffer *line)
{
	TRY(buffer_printf(line, "{\"timestamp\":\"%s\",\"level\":\"%s\"", now, level_names[level]));
	TRY(append_json_field(line, "message", message));
	for (; field->key != NULL; field++) {
		if (field->text == NULL)
			TRY(buffer_printf(line, ",\"%s\":%lld", field->key,
					  (long long)field->number));
		else if (field->text[0] != '\0')
			TRY(append_json_field(line, field->key, field->text));
	}
	return buffer_append_string(line, "}\n");
}

static struct status build_text(const char *now, enum log_level level, const char *message,
				const struct log_field *field, struct buffer *line)
{
	TRY(buffer_printf(line, "%s %-5s %s", now, level_names[level], message));
	for (; field->key != NULL; field++) {
		if (field->text == NULL)
			TRY(buffer_printf(line, " %s=%lld", field->key, (long long)field->number));
		else if (field->text[0] != '\0')
			TRY(buffer_printf(line, " %s=%s", field->key, field->text));
	}
	/* One event is one line, whatever a message holds. */
	utf8_one_line(line->data);
	return buffer_append_string(line, "\n");
}

void log_write(const struct log *log, enum log_level level, const char *message,
	       const struct log_field *fields)
{
	AUTO(buffer_clear) struct buffer line = BUFFER_INIT(LINE_MAX_BYTES);
	char now[32];
	struct status built;
	ssize_t written;

	if (level > log->level)
		return;
	format_now(now);
	built = log->format == LOG_FORMAT_TEXT ? build_text(now, level, message, fields, &line)
					       : build_json(now, level, message, fields, &line);
	if (built.code != STATUS_OK) {
		static const char lost[] =
			"{\"level\":\"ERROR\",\"message\":\"a log line was too long or "
			"there was no memory for it\"}\n";
		written = write(log->fd, lost, sizeof(lost) - 1);
	} else {
		written = write(log->fd, line.data, line.length);
	}
	(void)written;
}
