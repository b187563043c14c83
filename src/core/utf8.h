/*
 * utf8: which bytes are text.
 *
 * JSON and our log are UTF-8; a file, an environment variable, an argument or an answer need not be.
 */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stddef.h>

/* How many bytes from the start are whole characters of UTF-8 (RFC 3629): `length` if all are. */
size_t utf8_length(const char *text, size_t length);

/* How many characters; a byte that belongs to none counts as one. */
size_t utf8_count(const char *text);

/* Puts a '?' in the place of every byte that belongs to no character. */
void utf8_mend(char *text);

/* The same, and a space for every control character: one line, and no command to a terminal. */
void utf8_one_line(char *text);

#endif
