#include "core/buffer.h"

#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for `more` bytes and the NUL, by doubling: amortised linear, bounded by the limit. */
static struct status make_room(struct buffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
	char *grown;

	if (more > buffer->limit - buffer->length)
		return failure(STATUS_INVALID, "more than the %zu bytes allowed here",
			       buffer->limit);
	while (capacity < buffer->length + more + 1)
		capacity *= 2;
	if (capacity == buffer->capacity)
		return OK;
	grown = memory_resize(buffer->data, capacity);
	if (grown == NULL)
		return OUT_OF_MEMORY;
	buffer->data = grown;
	buffer->capacity = capacity;
	return OK;
}

struct status buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	TRY(make_room(buffer, length));
	if (length > 0)
		memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
	return OK;
}

struct status buffer_append_string(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

struct status buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return failure(STATUS_INTERNAL, "a format string of ours does not format");
	TRY(make_room(buffer, (size_t)length));
	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->length += (size_t)length;
	return OK;
}

const char *buffer_string(const struct buffer *buffer)
{
	return buffer->data != NULL ? buffer->data : "";
}

void buffer_reset(struct buffer *buffer)
{
	if (buffer->data != NULL)
		explicit_bzero(buffer->data, buffer->capacity);
	buffer->length = 0;
}

void buffer_clear(struct buffer *buffer)
{
	memory_free(buffer->data);
	*buffer = BUFFER_INIT(buffer->limit);
}
