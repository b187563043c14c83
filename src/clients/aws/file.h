/* file: a small file with keys or a token in it, without leaving a copy behind. */
#ifndef CLIENTS_AWS_FILE_H
#define CLIENTS_AWS_FILE_H

#include "core/buffer.h"
#include "core/status.h"

#include <stdbool.h>

/* Appends the file. NOT_FOUND: there is none. INVALID: it cannot be read, or passes the limit. */
struct status file_read(const char *path, struct buffer *ret);

/* True: it is, if at all, in a folder that this user may not look into. */
bool file_is_hidden(const char *path);

#endif
