#include "clients/aws/xml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The first byte after "<tag>" or "<tag …>", NULL when there is none. */
static const char *find_open(const char *xml, const char *tag)
{
	size_t length = strlen(tag);

	for (const char *at = strchr(xml, '<'); at != NULL; at = strchr(at + 1, '<')) {
		const char *end = at + 1 + length;

		if (strncmp(at + 1, tag, length) != 0 || strchr(" \t\r\n>", *end) == NULL ||
		    *end == '\0')
			continue;
		end = strchr(end, '>');
		return end != NULL ? end + 1 : NULL;
	}
	return NULL;
}

static struct status append_code_point(unsigned long code, struct buffer *ret)
{
	char bytes[4];
	size_t length;

	if (code < 0x80) {
		bytes[0] = (char)code;
		length = 1;
	} else if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 0x3f));
		length = 2;
	} else if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (code & 0x3f));
		length = 3;
	} else {
		bytes[0] = (char)(0xf0 | code >> 18);
		bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
		bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[3] = (char)(0x80 | (code & 0x3f));
		length = 4;
	}
	return buffer_append(ret, bytes, length);
}

/* `entity` is what stands between '&' and ';'. */
static struct status append_entity(const char *entity, size_t length, struct buffer *ret)
{
	static const struct {
		const char *name, *text;
	} known[] = {{"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}};
	bool hexadecimal = length > 2 && entity[0] == '#' && entity[1] == 'x';

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == length && memcmp(entity, known[i].name, length) == 0)
			return buffer_append_string(ret, known[i].text);
	if (length > 1 && entity[0] == '#') {
		const char *digits = entity + (hexadecimal ? 2 : 1);
		char *end;
		unsigned long code = strtoul(digits, &end, hexadecimal ? 16 : 10);

		if (end == entity + length && code > 0 && code <= 0x10ffff)
			return append_code_point(code, ret);
	}
	return failure(STATUS_INVALID, "the XML holds an unknown entity");
}

struct status xml_text(const char *xml, const char *tag, struct buffer *ret)
{
	const char *at = find_open(xml, tag);
	size_t length = strlen(tag);

	if (at == NULL)
		return failure(STATUS_NOT_FOUND, "the XML has no element %s", tag);
	while (*at != '<' && *at != '\0') {
		size_t plain = strcspn(at, "&<");

		TRY(buffer_append(ret, at, plain));
		at += plain;
		if (*at == '&') {
			size_t entity = strcspn(at + 1, ";<");

			if (at[1 + entity] != ';')
				return failure(STATUS_INVALID, "the XML holds an open entity");
			TRY(append_entity(at + 1, entity, ret));
			at += entity + 2;
		}
	}
	if (strncmp(at, "</", 2) != 0 || strncmp(at + 2, tag, length) != 0)
		return failure(STATUS_INVALID, "the XML element %s is not closed", tag);
	return OK;
}
