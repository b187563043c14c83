#include "core/database.h"

#include <strings.h>

void database_close(struct database **database)
{
	if (*database != NULL)
		(*database)->ops->close(database);
}

const struct database_driver *database_driver_find(const struct database_driver *const *drivers,
						   const char *engine)
{
	for (; *drivers != NULL; drivers++)
		for (const char *const *name = (*drivers)->engines; *name != NULL; name++)
			if (strcasecmp(*name, engine) == 0)
				return *drivers;
	return NULL;
}
