/*
 * failing memory: each allocation of the code under test fails in turn.
 *
 * For one file of a program that the linker gives these malloc, calloc and free (tests/CMakeLists.txt,
 * tandem_failing_memory). What a shared library allocates by itself is not seen; cJSON and libcurl
 * allocate through core/memory, so theirs is. Only the calling thread's allocations fail or count.
 */
#ifndef TESTS_FAILING_MEMORY_H
#define TESTS_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *block);

enum shortage { SHORTAGE_ONCE, SHORTAGE_FOR_GOOD };

static _Thread_local struct {
	int asked, fail_at;
	bool for_good;
	int paused;
	long live; /* blocks allocated and not freed yet */
} failing_memory;

/* From now on the n-th allocation fails, counted from 1, or every one from there; 0: none does. */
static inline void memory_fail_at(int n, enum shortage shortage)
{
	failing_memory.asked = 0;
	failing_memory.fail_at = n;
	failing_memory.for_good = shortage == SHORTAGE_FOR_GOOD;
}

/* No more failures. Was there an n-th allocation? */
static inline bool memory_failed(void)
{
	bool failed = failing_memory.fail_at != 0 && failing_memory.asked >= failing_memory.fail_at;

	failing_memory.fail_at = 0;
	return failed;
}

static inline bool memory_fails(void)
{
	if (failing_memory.paused > 0 || failing_memory.fail_at == 0)
		return false;
	failing_memory.asked++;
	return failing_memory.asked == failing_memory.fail_at ||
	       (failing_memory.for_good && failing_memory.asked > failing_memory.fail_at);
}

static inline void *memory_counted(void *block)
{
	failing_memory.live += block != NULL;
	return block;
}

void *__wrap_malloc(size_t size)
{
	return memory_fails() ? NULL : memory_counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return memory_fails() ? NULL : memory_counted(__real_calloc(count, size));
}

void __wrap_free(void *block)
{
	failing_memory.live -= block != NULL;
	__real_free(block);
}

#endif
