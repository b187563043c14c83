#include "clients/aws/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct status file_read(const char *path, struct buffer *ret)
{
	char part[4096];
	struct status status = OK;
	FILE *file = fopen(path, "re");
	size_t got;

	if (file == NULL && (errno == ENOENT || errno == ENOTDIR))
		return failure(STATUS_NOT_FOUND, "there is no file %s", path);
	if (file == NULL && errno == ENOMEM)
		return OUT_OF_MEMORY;
	if (file == NULL)
		return failure(STATUS_INVALID, "%s cannot be read: %s", path, strerror(errno));
	setvbuf(file, NULL, _IONBF, 0); /* stdio's own buffer would not be wiped */
	while (status.code == STATUS_OK && (got = fread(part, 1, sizeof(part), file)) > 0)
		status = buffer_append(ret, part, got);
	if (status.code == STATUS_OK && ferror(file))
		status = failure(STATUS_INVALID, "it cannot be read: %s", strerror(errno));
	explicit_bzero(part, sizeof(part));
	fclose(file);
	return status_while(status, "reading %s", path);
}

bool file_is_hidden(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) != 0 && errno == EACCES;
}
