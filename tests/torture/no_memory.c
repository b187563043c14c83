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
 * Five allocations never fail, since a library falls over them and nobody can ask for them before.
 * getaddrinfo() of glibc 2.36 looks into the state of its name services without asking whether there
 * was memory for it (nss_database_state_get), which is known by its caller and its size; and it
 * abort()s when there is none for the first line of nsswitch.conf (nss_database_reload). libpq 15 does
 * not ask whether OpenSSL had memory to attach the connection to its socket (BIO_set_app_data). These
 * two are known by who calls whom. Connector/C 3.3 does not ask whether it could copy what
 * mysql_real_connect() was given (strdup), nor the name of the database that the server says one is in
 * now (ma_read_ok_packet, while one logs in). Its own functions have no names: these are known by their
 * being its own, the last one by the shortness of names too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
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
#define NAME_MAX_SIZE 65 /* a database's, at both servers */
#define NSS_STATE 216	 /* sizeof(struct global_database_state) of glibc 2.36 */

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
static uintptr_t asker_begin, asker_end; /* where that file is in memory */

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

static bool is_connectors_own(const void *frame)
{
	return is_of(frame, "/libmariadb.so") && function(frame)[0] == '\0';
}

static bool is_fallen_over(size_t size)
{
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX), first = 0;

	while (first + 2 < count && is_of(frames[first], "/no_memory.so"))
		first++;
	if (first + 2 < count && size <= NAME_MAX_SIZE && is_connectors_own(frames[first]))
		return is_connectors_own(frames[first + 1]) && is_connectors_own(frames[first + 2]);
	for (int i = 0; i + 2 < count; i++) {
		const char *name = function(frames[i]);

		if (strcmp(name, "CRYPTO_set_ex_data") == 0)
			return is_of(frames[i + 1], "/libpq.so");
		if (strstr(name, "strdup") != NULL)
			return is_connectors_own(frames[i + 1]);
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
		if ((uintptr_t)frames[i] >= asker_begin && (uintptr_t)frames[i] < asker_end)
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
	if (fail_at == 0 || n < fail_at || (n > fail_at && !for_good) || is_fallen_over(size))
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

static int find_asker(struct dl_phdr_info *file, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	if (strstr(file->dlpi_name, asked_by) == NULL)
		return 0;
	for (int i = 0; i < file->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &file->dlpi_phdr[i];

		if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
			continue;
		asker_begin = file->dlpi_addr + part->p_vaddr;
		asker_end = asker_begin + part->p_memsz;
	}
	return 1;
}

[[gnu::constructor]] static void begin(void)
{
	const char *at = getenv("NO_MEMORY_AT");

	is_fallen_over(0); /* the first backtrace() allocates */
	for_good = getenv("NO_MEMORY_FOR_GOOD") != NULL;
	struck_path = getenv("NO_MEMORY_STRUCK");
	asked_by = getenv("NO_MEMORY_OF");
	if (asked_by != NULL)
		dl_iterate_phdr(find_asker, NULL);
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
