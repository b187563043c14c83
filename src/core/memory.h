/*
 * memory: an allocator that wipes what it frees.
 *
 * Everything that may have held a password, a key or a token is allocated here: our own buffers,
 * and, through their hooks, what cJSON, libcurl and in the program OpenSSL allocate. A block is
 * overwritten before it goes back to libc, and growing copies, wipes and frees, so no stale copy
 * stays on the heap.
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stddef.h>

/* As malloc, calloc, realloc, strdup and free, but what is freed is wiped. NULL when out of memory.
 */
void *memory_alloc(size_t size);
void *memory_alloc_zero(size_t count, size_t size);
void *memory_resize(void *block, size_t size);
char *memory_copy_string(const char *text);
void memory_free(void *block);

/*
 * How many allocations have failed so far in this thread. Before and after a call of a library that
 * has one answer for bad input and for no memory, it tells the two apart.
 */
unsigned long memory_failures(void);

/* For AUTO() on a `char *` from memory_* or from cJSON_Print* once the hooks are in place. */
void string_clear(char **text);

/* Points cJSON's hooks here. Once, before the first use of cJSON. */
void memory_init(void);

#endif
