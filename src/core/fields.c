#include "core/fields.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const cJSON *field(const struct credential *secret, const char *aws, const char *other)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(secret->fields, aws);

	if ((item == NULL || cJSON_IsNull(item)) && other != NULL)
		item = cJSON_GetObjectItemCaseSensitive(secret->fields, other);
	return cJSON_IsNull(item) ? NULL : item;
}

struct status field_text(const struct credential *secret, const char *aws, const char *other,
			 const char *fallback, const char **ret)
{
	const cJSON *item = field(secret, aws, other);

	if (item == NULL) {
		*ret = fallback;
		return OK;
	}
	if (!cJSON_IsString(item) || item->valuestring[0] == '\0')
		return failure(STATUS_INVALID, "\"%s\" is not a text: write it as \"…\"",
			       item->string);
	*ret = item->valuestring;
	return OK;
}

struct status field_port(const struct credential *secret, const char *aws, const char *other,
			 long fallback, uint16_t *ret)
{
	const cJSON *item = field(secret, aws, other);
	double port = (double)fallback;

	if (cJSON_IsNumber(item)) {
		port = item->valuedouble;
	} else if (cJSON_IsString(item)) {
		char *end;

		port = (double)strtol(item->valuestring, &end, 10);
		if (*end != '\0' || end == item->valuestring)
			port = -1;
	} else if (item != NULL) {
		port = -1;
	}
	if (!(port >= 1 && port <= 65535) || port != (double)(uint16_t)port)
		return failure(STATUS_INVALID, "\"%s\" is not a port: a number from 1 to 65535",
			       item != NULL ? item->string : aws);
	*ret = (uint16_t)port;
	return OK;
}

struct status field_list(const struct credential *secret, const char *key, size_t most, char **ret,
			 size_t *ret_count)
{
	const cJSON *list = field(secret, key, NULL), *item;

	if (list == NULL)
		return OK;
	if (!cJSON_IsArray(list))
		return failure(STATUS_INVALID, "\"%s\" is not a list: write [\"…\", \"…\"]", key);
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item) || item->valuestring[0] == '\0')
			return failure(STATUS_INVALID, "\"%s\" holds something that is not a text",
				       key);
		if (*ret_count == most)
			return failure(STATUS_INVALID, "\"%s\" holds more than %zu entries", key,
				       most);
		for (size_t i = 0; i < *ret_count; i++)
			if (strcmp(ret[i], item->valuestring) == 0)
				return failure(STATUS_INVALID, "\"%s\" holds '%s' twice", key,
					       item->valuestring);
		ret[*ret_count] = memory_copy_string(item->valuestring);
		if (ret[*ret_count] == NULL)
			return OUT_OF_MEMORY;
		(*ret_count)++;
	}
	return OK;
}

struct status field_ssl(const struct credential *current, bool *ret)
{
	const cJSON *item = field(current, "ssl", NULL);

	*ret = true;
	if (item == NULL || cJSON_IsTrue(item))
		return OK;
	if (cJSON_IsFalse(item) ||
	    (cJSON_IsString(item) && strcasecmp(item->valuestring, "false") == 0)) {
		*ret = false;
		return OK;
	}
	if (cJSON_IsString(item) && strcasecmp(item->valuestring, "true") == 0)
		return OK;
	return failure(STATUS_INVALID, "\"ssl\" is neither true nor false");
}
