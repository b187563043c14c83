/* Reads a file of vectors. The tests run in the top folder. */
#ifndef TESTS_CLIENTS_VECTORS_VECTORS_H
#define TESTS_CLIENTS_VECTORS_VECTORS_H

#include "core/buffer.h"

#include <cjson/cJSON.h>
#include <stdio.h>

/* NULL when the file is missing or is no JSON. */
static inline cJSON *vectors_read(const char *path)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(256 * 1024);
	FILE *file = fopen(path, "re");
	char part[4096];
	size_t got;

	if (file == NULL)
		return NULL;
	while ((got = fread(part, 1, sizeof(part), file)) > 0)
		if (buffer_append(&text, part, got).code != STATUS_OK)
			break;
	fclose(file);
	return cJSON_Parse(buffer_string(&text));
}

static inline const char *vector_text(const cJSON *vector, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(vector, key));
}

static inline bool vector_flag(const cJSON *vector, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItem(vector, key));
}

#endif
