#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The program's own first step: what cJSON frees is wiped. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	memory_init();
	return 0;
}

void require_failed(const char *condition, const char *file, int line, const char *function)
{
	fprintf(stderr, "%s:%d: %s: does not hold: %s\n", file, line, function, condition);
	abort();
}

static void *allocate(size_t size)
{
	void *block = malloc(size > 0 ? size : 1);

	REQUIRE(block != NULL);
	return block;
}

unsigned take_choice(struct input *input, unsigned count)
{
	if (input->at == input->end)
		return 0;
	return (unsigned char)(*input->at++ - '0') % count;
}

char *take_line(struct input *input)
{
	size_t left = (size_t)(input->end - input->at);
	const char *end = left > 0 ? memchr(input->at, '\n', left) : NULL;
	size_t length = end != NULL ? (size_t)(end - input->at) : left;
	char *line = allocate(length + 1);
	size_t used = 0;

	for (size_t i = 0; i < length; i++)
		if (input->at[i] != '\0')
			line[used++] = input->at[i];
	line[used] = '\0';
	input->at += length + (end != NULL);
	return line;
}

char *take_rest(struct input *input, size_t *ret_length)
{
	size_t length = (size_t)(input->end - input->at);
	char *rest = allocate(length);

	if (length > 0)
		memcpy(rest, input->at, length);
	input->at = input->end;
	*ret_length = length;
	return rest;
}

/* The table of RFC 3629, section 4: how many bytes, and between what the second must be. */
bool is_utf8(const char *text, size_t length)
{
	static const struct {
		unsigned char from, to, count, least, most;
	} rows[] = {
		{0x00, 0x7f, 1, 0, 0},	     {0xc2, 0xdf, 2, 0x80, 0xbf},
		{0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
		{0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
		{0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf},
		{0xf4, 0xf4, 4, 0x80, 0x8f},
	};
	const unsigned char *at = (const unsigned char *)text, *end = at + length;

	while (at < end) {
		size_t row = 0, rest = 1, rows_count = sizeof(rows) / sizeof(rows[0]);

		while (row < rows_count && (*at < rows[row].from || *at > rows[row].to))
			row++;
		if (row == rows_count || end - at < rows[row].count)
			return false;
		if (rows[row].count > 1 && (at[1] < rows[row].least || at[1] > rows[row].most))
			return false;
		for (rest = 2; rest < rows[row].count; rest++)
			if (at[rest] < 0x80 || at[rest] > 0xbf)
				return false;
		at += rows[row].count;
	}
	return true;
}

void require_sound(struct status status)
{
	const char *end = memchr(status.detail, '\0', sizeof(status.detail));

	REQUIRE(status.code <= STATUS_INTERNAL);
	REQUIRE(end != NULL);
	REQUIRE(status.code == STATUS_OK || end > status.detail);
	REQUIRE(is_utf8(status.detail, (size_t)(end - status.detail)));
	for (const char *c = status.detail; c < end; c++)
		REQUIRE((unsigned char)*c >= ' ' && *c != 0x7f);
}
