#include "core/secret_store.h"

#include "core/memory.h"

void secret_version_clear(struct secret_version *version)
{
	secret_clear(&version->value);
	*version = SECRET_VERSION_INIT;
}

void secret_labels_clear(struct secret_labels *labels)
{
	string_clear(&labels->function);
	string_clear(&labels->schedule);
	string_clear(&labels->owner);
	*labels = SECRET_LABELS_INIT;
}

void secret_store_close(struct secret_store **store)
{
	if (*store != NULL)
		(*store)->ops->close(store);
}

void secret_readings_clear(struct secret_reading *readings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		secret_version_clear(&readings[i].version);
}
