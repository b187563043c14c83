/*
 * wipe_on_free: every block that anything in this process frees is overwritten first.
 *
 * memory_free() does that for what we allocate; libpq, OpenSSL and libc's own helpers free by
 * themselves, and libpq frees the password it was given as it is. The program's free() and realloc()
 * come before libc's in the dynamic linker's order, so they serve the libraries too. Only in the
 * program, and not under a sanitizer, which has an allocator of its own.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* glibc's own, under the names it keeps for exactly this. */
void __libc_free(void *block);
void *__libc_malloc(size_t size);

[[gnu::visibility("default")]] void free(void *block)
{
	if (block == NULL)
		return;
	explicit_bzero(block, malloc_usable_size(block));
	__libc_free(block);
}

[[gnu::visibility("default")]] void *realloc(void *block, size_t size)
{
	size_t old = block != NULL ? malloc_usable_size(block) : 0;
	void *grown;

	/* In place where it fits and little is wasted: no copy is left behind. */
	if (block != NULL && size > 0 && size <= old && size > old / 2)
		return block;
	grown = __libc_malloc(size);
	if (grown == NULL)
		return NULL;
	if (block != NULL)
		memcpy(grown, block, old < size ? old : size);
	free(block);
	return grown;
}
