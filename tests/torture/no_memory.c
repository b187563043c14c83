/*
 * no memory: for LD_PRELOAD, a malloc() that fails once, or from a moment on.
 *
 * NO_MEMORY_AT=n: the n-th allocation of the process fails, counted from 1; NO_MEMORY_FOR_GOOD=1:
 * so does every one after it. NO_MEMORY_STRUCK=FILE: it is made when the first of them fails, and says
 * who had asked for it.
 * NO_MEMORY_OF=NAME: only what a file of this name asks for, by itself or of libc, is counted and fails.
 * NO_MEMORY_SIZES=FILE: the size of each, four bytes, is written there at the end. The program's own
 * realloc() allocates with __libc_malloc(), so that is one of them.
 *
 * Three allocations never fail, since a library falls over them and nobody can ask for them before.
 * getaddrinfo() of glibc 2.36 looks into the state of its name services without asking whether there
 * was memory for it (nss_database_state_get), which is known by its caller and its size; and it
 * abort()s when there is none for the first line of nsswitch.conf (nss_database_reload). libpq 15 does
 * not ask whether OpenSSL had memory to attach the connection to its socket (BIO_set_app_data). These
 * two are known by who calls whom.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT [[gnu::visibility("default")]]
#define ALIGNMENT 16 /* malloc's own */
#define SIZES_MAX 1000000
#define FRAMES_MAX 24
#define NSS_STATE 216 /* sizeof(struct global_database_state) of glibc 2.36 */

/* glibc's own, under the names it keeps for exactly this. */
void *__libc_calloc(size_t count, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_malloc(size_t size);
void *memalign(size_t alignment, size_t size);

static atomic_long asked;
static atomic_flag struck = ATOMIC_FLAG_INIT;
static long fail_at;
static bool for_good;
static const char *struck_path, *asked_by;

static uint32_t sizes[SIZES_MAX];

static void tell_struck(void)
{
	int file = struck_path != NULL ? open(struck_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)
				       : -1;
	void *frames[FRAMES_MAX];

	if (file == -1)
		return;
	backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), file);
	close(file);
}

/* "": nothing that its file exports. */
static const char *function(const void *frame)
{
	Dl_info it;

	return dladdr(frame, &it) != 0 && it.dli_sname != NULL ? it.dli_sname : "";
}

static bool is_of(const void *frame, const char *file)
{
	Dl_info it;

	return dladdr(frame, &it) != 0 && strstr(it.dli_fname, file) != NULL;
}

static bool is_fallen_over(void)
{
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX);

	for (int i = 0; i + 2 < count; i++) {
		const char *name = function(frames[i]);

		if (strcmp(name, "CRYPTO_set_ex_data") == 0)
			return is_of(frames[i + 1], "/libpq.so");
		if (strstr(name, "getdelim") != NULL)
			return function(frames[i + 1])[0] == '\0' &&
			       strcmp(function(frames[i + 2]), "getaddrinfo") == 0;
	}
	return false;
}

/* Its caller, or that of libc's strdup() and the like: what comes before is ours. */
static bool counts(void)
{
	void *frames[6];
	int count = asked_by != NULL ? backtrace(frames, sizeof(frames) / sizeof(frames[0])) : 0;

	for (int i = 0; i < count; i++)
		if (is_of(frames[i], asked_by))
			return true;
	return asked_by == NULL;
}

static bool fails(size_t size)
{
	long n = counts() ? 1 + atomic_fetch_add(&asked, 1) : 0;

	if (n == 0)
		return false;
	if (n <= SIZES_MAX)
		sizes[n - 1] = (uint32_t)size;
	if (fail_at == 0 || n < fail_at || (n > fail_at && !for_good) || is_fallen_over())
		return false;
	if (!atomic_flag_test_and_set(&struck))
		tell_struck();
	errno = ENOMEM;
	return true;
}

static bool called_by_libc(const void *caller)
{
	Dl_info it, libc;

	return dladdr(caller, &it) != 0 && dladdr((void *)__libc_memalign, &libc) != 0 &&
	       it.dli_fbase == libc.dli_fbase;
}

EXPORT void *malloc(size_t size)
{
	if (size == NSS_STATE && called_by_libc(__builtin_return_address(0)))
		return __libc_memalign(ALIGNMENT, size);
	return fails(size) ? NULL : __libc_memalign(ALIGNMENT, size);
}

EXPORT void *__libc_malloc(size_t size)
{
	return fails(size) ? NULL : __libc_memalign(ALIGNMENT, size);
}

EXPORT void *calloc(size_t count, size_t size)
{
	return fails(count * size) ? NULL : __libc_calloc(count, size);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	return fails(size) ? NULL : __libc_memalign(alignment, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return fails(size) ? NULL : __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *block = fails(size) ? NULL : __libc_memalign(alignment, size);

	if (block == NULL)
		return ENOMEM;
	*ret = block;
	return 0;
}

[[gnu::constructor]] static void begin(void)
{
	const char *at = getenv("NO_MEMORY_AT");

	is_fallen_over(); /* the first backtrace() allocates */
	for_good = getenv("NO_MEMORY_FOR_GOOD") != NULL;
	struck_path = getenv("NO_MEMORY_STRUCK");
	asked_by = getenv("NO_MEMORY_OF");
	atomic_store(&asked, 0);
	fail_at = at != NULL ? strtol(at, NULL, 10) : 0;
}

[[gnu::destructor]] static void end(void)
{
	const char *path = getenv("NO_MEMORY_SIZES");
	long count = atomic_load(&asked);
	FILE *file;

	fail_at = 0;
	file = path != NULL ? fopen(path, "we") : NULL;
	if (file == NULL)
		return;
	fwrite(sizes, sizeof(sizes[0]), (size_t)(count < SIZES_MAX ? count : SIZES_MAX), file);
	fclose(file);
}
