/*
 * log: one line for one event, written with one write(2).
 *
 * JSON in a function (what CloudWatch Logs Insights reads), text for people. Only runtime/ logs. A
 * field's value is text that a message may hold: never a credential. Lines are bounded; what does
 * not fit is cut and says so.
 * Source of the JSON keys: Lambda's advanced logging controls (timestamp, level, message,
 * requestId).
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdint.h>

enum log_level { LOG_ERROR = 1, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_FORMAT_JSON = 1, LOG_FORMAT_TEXT };

struct log {
	int fd;
	enum log_level level; /* lines less important than this are not written */
	enum log_format format;
};

/* One key and value of a line. The text is used when not NULL, else the number. */
struct log_field {
	const char *key; /* ends a list: NULL */
	const char *text;
	int64_t number;
};

#define LOG_TEXT(k, v) ((struct log_field){.key = (k), .text = (v) != NULL ? (v) : ""})
#define LOG_NUMBER(k, v) ((struct log_field){.key = (k), .number = (v)})
#define LOG_END ((struct log_field){.key = NULL})

/* Fields with an empty text are left out. Best effort: a line that cannot be written is lost. */
void log_write(const struct log *, enum log_level, const char *message,
	       const struct log_field *fields);

#endif
