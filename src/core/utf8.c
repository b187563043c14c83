#include "core/utf8.h"

#include <string.h>

/* The bytes of the character that `at` begins with; 0: it begins with none. */
static size_t character(const char *at, size_t left)
{
	unsigned char first = (unsigned char)at[0], second;
	size_t length = first < 0x80   ? 1
			: first < 0xc2 ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
				       : 4;

	if (first > 0xf4 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if (((unsigned char)at[i] & 0xc0) != 0x80)
			return 0;
	if (length < 3)
		return length;
	/* Longer than it need be, half of a UTF-16 pair, or beyond the last character. */
	second = (unsigned char)at[1];
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
	    (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
		return 0;
	return length;
}

size_t utf8_length(const char *text, size_t length)
{
	size_t at = 0, wide;

	while (at < length && (wide = character(text + at, length - at)) > 0)
		at += wide;
	return at;
}

size_t utf8_count(const char *text)
{
	size_t left = strlen(text), count = 0;

	for (; left > 0; count++) {
		size_t wide = character(text, left);

		wide += wide == 0;
		text += wide;
		left -= wide;
	}
	return count;
}

void utf8_mend(char *text)
{
	size_t left = strlen(text), good;

	while ((good = utf8_length(text, left)) < left) {
		text[good] = '?';
		text += good + 1;
		left -= good + 1;
	}
}

/* U+0080 to U+009F count too: to some terminals U+009B is what ESC [ is. */
void utf8_one_line(char *text)
{
	utf8_mend(text);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];

		if (c < ' ' || c == 0x7f)
			*text = ' ';
		else if (c == 0xc2 && next < 0xa0)
			memset(text, ' ', 2);
	}
}
