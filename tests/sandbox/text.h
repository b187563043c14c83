/*
 * text: the small things every file here needs: memory that is there, random names, dates.
 *
 * The sandbox is a test tool: when memory runs out it ends. Nothing here returns NULL.
 */
#ifndef SANDBOX_TEXT_H
#define SANDBOX_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory, freed with free(). Ends the program when there is none. */
void *allocate(size_t size);

/* A copy with a NUL behind it, freed with free(). */
char *copy_bytes(const void *bytes, size_t length);
char *copy_text(const char *text);

/* `block` itself; ends the program when it is NULL. For what a library allocated. */
void *must(void *block);

/* Formats into a fixed buffer; longer text is cut. */
[[gnu::format(printf, 3, 4)]] void format_text(char *out, size_t size, const char *format, ...);

/* `length` random characters of `alphabet` (at most 256 of them) and a NUL. */
void random_text(char *out, size_t length, const char *alphabet);

#define UUID_SIZE 37

/* A random version-4 UUID, lower case. */
void random_uuid(char out[UUID_SIZE]);

extern const char alphabet_base64[]; /* without padding */

/* Unix milliseconds, by the machine's clock. */
int64_t unix_ms(void);

/* Milliseconds that only grow; the scale of every wait. */
int64_t monotonic_ms(void);

#define DATE_SIZE 40

/* "20250131T235959Z", "2025-01-31T23:59:59Z" and "Fri, 31 Jan 2025 23:59:59 GMT". */
void date_compact(int64_t unix_milliseconds, char out[DATE_SIZE]);
void date_iso(int64_t unix_milliseconds, char out[DATE_SIZE]);
void date_http(int64_t unix_milliseconds, char out[DATE_SIZE]);

/* For cleanup: free() with the address of the variable. */
void text_clear(char **text);

#define AUTO(destroy) __attribute__((cleanup(destroy)))

#endif
