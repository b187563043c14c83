#include "core/memory.h"

#include <cjson/cJSON.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local unsigned long failures;

static void *or_count(void *block)
{
	failures += block == NULL;
	return block;
}

void *memory_alloc(size_t size)
{
	return or_count(malloc(size));
}

void *memory_alloc_zero(size_t count, size_t size)
{
	return or_count(calloc(count, size));
}

unsigned long memory_failures(void)
{
	return failures;
}

void memory_free(void *block)
{
	if (block == NULL)
		return;
	/* The whole block, not only what was asked for: libc may have given more, and we used it.
	 */
	explicit_bzero(block, malloc_usable_size(block));
	free(block);
}

void *memory_resize(void *block, size_t size)
{
	void *grown;
	size_t old = block != NULL ? malloc_usable_size(block) : 0;

	if (size == 0) {
		memory_free(block);
		return NULL;
	}
	/* Never realloc(): it may move the block and leave the old bytes behind. */
	grown = memory_alloc(size);
	if (grown == NULL)
		return NULL;
	if (block != NULL)
		memcpy(grown, block, old < size ? old : size);
	memory_free(block);
	return grown;
}

char *memory_copy_string(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memory_alloc(size);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}

void string_clear(char **text)
{
	memory_free(*text);
	*text = NULL;
}

void memory_init(void)
{
	cJSON_Hooks hooks = {.malloc_fn = memory_alloc, .free_fn = memory_free};

	cJSON_InitHooks(&hooks);
}
