#include "core/status.h"

#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
	[STATUS_OK] = "OK",
	[STATUS_INVALID] = "INVALID",
	[STATUS_NOT_FOUND] = "NOT_FOUND",
	[STATUS_DENIED] = "DENIED",
	[STATUS_CONFLICT] = "CONFLICT",
	[STATUS_UNAVAILABLE] = "UNAVAILABLE",
	[STATUS_INTERNAL] = "INTERNAL",
};

const char *status_code_name(enum status_code code)
{
	if ((size_t)code >= sizeof(code_names) / sizeof(code_names[0]))
		return "INTERNAL";
	return code_names[code];
}

/*
 * A cut sentence must look cut, or its reader trusts half of it. What a "%.64s" cut in two, or an
 * answer of somebody else's brought along, is no UTF-8, and a log line that holds it no JSON; and
 * a user's name must not move the cursor of whoever reads it.
 */
static void finish(struct status *status, int wanted)
{
	static const char cut[] = "...";
	size_t at = sizeof(status->detail) - sizeof(cut);

	utf8_one_line(status->detail);
	if (wanted < (int)sizeof(status->detail))
		return;
	/* It is text now, so a character begins there, or three bytes before it at most. */
	while (((unsigned char)status->detail[at] & 0xC0) == 0x80)
		at--;
	memcpy(status->detail + at, cut, sizeof(cut));
}

struct status failure(enum status_code code, const char *format, ...)
{
	struct status status = {.code = code == STATUS_OK ? STATUS_INTERNAL : code};
	va_list arguments;

	va_start(arguments, format);
	finish(&status, vsnprintf(status.detail, sizeof(status.detail), format, arguments));
	va_end(arguments);
	return status;
}

struct status status_while(struct status inner, const char *format, ...)
{
	struct status status = {.code = inner.code};
	va_list arguments;
	int used;

	if (inner.code == STATUS_OK)
		return inner;
	va_start(arguments, format);
	used = vsnprintf(status.detail, sizeof(status.detail), format, arguments);
	va_end(arguments);
	if (used < 0)
		return inner;
	if (used < (int)sizeof(status.detail))
		used += snprintf(status.detail + used, sizeof(status.detail) - (size_t)used, ": %s",
				 inner.detail);
	finish(&status, used);
	return status;
}
