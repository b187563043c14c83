#include "clients/aws/secrets_manager.h"

#include "clients/aws/secrets_exchange.h"
#include "clients/aws/secrets_read.h"
#include "clients/aws/secrets_write.h"
#include "core/memory.h"

static void close_store(struct secret_store **store)
{
	memory_free(*store);
	*store = NULL;
}

static void limit(struct secret_store *store, struct deadline deadline)
{
	struct secrets_manager *manager = (struct secrets_manager *)store;

	manager->options.deadline = deadline;
}

struct status secrets_manager_open(struct aws *aws, const struct secrets_manager_options *options,
				   struct secret_store **ret)
{
	static const struct secret_store_ops ops = {.describe = secrets_describe,
						    .get = secrets_get,
						    .get_version = secrets_get_version,
						    .find = secrets_find,
						    .get_current = secrets_get_current,
						    .stage = secrets_stage,
						    .promote = secrets_promote,
						    .limit = limit,
						    .rotate = secrets_rotate,
						    .check_write = secrets_check_write,
						    .close = close_store};
	struct secrets_manager *made;

	if (options->application_secret_id != NULL)
		TRY(aws_check_endpoint(aws, options->application_secret_id));
	made = memory_alloc_zero(1, sizeof(*made));
	if (made == NULL)
		return OUT_OF_MEMORY;
	made->store.ops = &ops;
	made->aws = aws;
	made->options = *options;
	*ret = &made->store;
	return OK;
}
