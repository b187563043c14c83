#include "core/directory.h"

#include <stddef.h>

void directory_close(struct directory **directory)
{
	if (*directory != NULL)
		(*directory)->ops->close(directory);
}
