/*
 * buffer: bytes that grow, up to a limit that is visible where the buffer is born.
 *
 * Always NUL-terminated, wiped on growing and on clearing: request and response bodies live here.
 */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include "core/status.h"

#include <stddef.h>

struct buffer {
	char *data; /* NUL-terminated once anything was appended, NULL before */
	size_t length;
	size_t capacity;
	size_t limit; /* the most bytes it may hold */
};

#define BUFFER_INIT(most) ((struct buffer){.limit = (most)})

/* INVALID: the limit would be passed (the buffer stays as it was). UNAVAILABLE: out of memory. */
struct status buffer_append(struct buffer *, const void *bytes, size_t length);
struct status buffer_append_string(struct buffer *, const char *text);
[[gnu::format(printf, 2, 3)]] struct status buffer_printf(struct buffer *, const char *format, ...);

/* The text so far, "" when nothing was appended. Valid until the next change. */
const char *buffer_string(const struct buffer *);

/* Empties it and wipes what it held; the memory stays for the next use. */
void buffer_reset(struct buffer *);

/* Wipes and frees; the limit stays. For AUTO(). */
void buffer_clear(struct buffer *);

#endif
