/*
 * fuzz: what the targets share.
 *
 * A target is one file: LLVMFuzzerTestOneInput() cuts its input into what a parser takes, calls the
 * parser as the program does, and requires what must hold whatever came in. An input is text, cut at
 * line ends, so that a person can read and write a seed. Each piece is copied into a block of exactly
 * its size, where AddressSanitizer sees one byte too far.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "core/memory.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct input {
	const char *at, *end;
};

#define INPUT(data, size) ((struct input){(const char *)(data), (const char *)(data) + (size)})

/* The first byte as a number below `count`: '0' is 0. */
unsigned take_choice(struct input *, unsigned count);

/* A line without its end, or what is left; NUL-terminated and without a NUL. For string_clear(). */
char *take_line(struct input *);

/* All that is left, NULs and line ends included; not NUL-terminated. For string_clear(). */
char *take_rest(struct input *, size_t *ret_length);

/* RFC 3629, checked without the product's help. */
bool is_utf8(const char *text, size_t length);

/* A property of the product; a find is a broken one. */
#define REQUIRE(condition)                                                        \
	do {                                                                      \
		if (!(condition))                                                 \
			require_failed(#condition, __FILE__, __LINE__, __func__); \
	} while (0)
_Noreturn void require_failed(const char *condition, const char *file, int line,
			      const char *function);

/* What every status must be, failed or not: a known code, and a sentence that a log line may hold. */
void require_sound(struct status);

#endif
