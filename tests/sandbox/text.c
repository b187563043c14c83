#include "text.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char alphabet_base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void *must(void *block)
{
	if (block == NULL) {
		fputs("tandem-sandbox: out of memory\n", stderr);
		abort();
	}
	return block;
}

void *allocate(size_t size)
{
	return must(calloc(1, size));
}

char *copy_bytes(const void *bytes, size_t length)
{
	char *copy = allocate(length + 1);

	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

char *copy_text(const char *text)
{
	return copy_bytes(text, strlen(text));
}

void format_text(char *out, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(out, size, format, arguments);
	va_end(arguments);
}

static void random_bytes(unsigned char *out, size_t length)
{
	if (RAND_bytes(out, (int)length) == 1)
		return;
	fputs("tandem-sandbox: no random numbers\n", stderr);
	abort();
}

/* The remainder is a little uneven for odd alphabets: these are names and test keys, no passwords.
 */
void random_text(char *out, size_t length, const char *alphabet)
{
	size_t letters = strlen(alphabet);

	random_bytes((unsigned char *)out, length);
	for (size_t i = 0; i < length; i++)
		out[i] = alphabet[(unsigned char)out[i] % letters];
	out[length] = '\0';
}

void random_uuid(char out[UUID_SIZE])
{
	unsigned char b[16];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	format_text(out, UUID_SIZE,
		    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		    b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		    b[13], b[14], b[15]);
}

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t unix_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* The formats here know no locale: the program never calls setlocale(). */
static struct tm broken_down(int64_t unix_milliseconds)
{
	time_t seconds = (time_t)(unix_milliseconds / 1000);
	struct tm parts = {0};

	gmtime_r(&seconds, &parts);
	return parts;
}

void date_compact(int64_t unix_milliseconds, char out[DATE_SIZE])
{
	struct tm parts = broken_down(unix_milliseconds);

	strftime(out, DATE_SIZE, "%Y%m%dT%H%M%SZ", &parts);
}

void date_iso(int64_t unix_milliseconds, char out[DATE_SIZE])
{
	struct tm parts = broken_down(unix_milliseconds);

	strftime(out, DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void date_http(int64_t unix_milliseconds, char out[DATE_SIZE])
{
	struct tm parts = broken_down(unix_milliseconds);

	strftime(out, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

void text_clear(char **text)
{
	free(*text);
	*text = NULL;
}
