/* The secret_store port in memory, with Secrets Manager's rules for labels. */
#include "fakes/world.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_secret_store {
	struct secret_store base;
	struct world *world;
};

static struct world *world_of(struct secret_store *store)
{
	struct world *world = ((struct fake_secret_store *)store)->world;

	world->store_calls++;
	return world_enter(world);
}

/* A store is opened for one invocation: every call has until its end. */
static struct deadline store_deadline(const struct world *world)
{
	return world->store_limit.clock != NULL ? world->store_limit : world->rotation.deadline;
}

static struct world_call call_about(const struct world *world, const char *name, const char *id)
{
	return (struct world_call){
		.name = name, .place = id, .user = "", .deadline = store_deadline(world)};
}

static struct fake_version *find_version(struct fake_secret *secret, const char *id)
{
	for (size_t i = 0; i < WORLD_VERSIONS; i++)
		if (strcmp(secret->versions[i].id, id) == 0)
			return &secret->versions[i];
	return NULL;
}

static struct status find_secret(struct world *world, const char *id, struct fake_secret **ret)
{
	*ret = world_secret(world, id);
	if (*ret == NULL)
		return failure(STATUS_NOT_FOUND, "there is no secret '%s'", id);
	if ((*ret)->deleted)
		return failure(STATUS_INVALID, "'%s' is marked for deletion: restore it", id);
	return OK;
}

static void copy_label(struct world *world, const char *id, enum stage stage, char *ret)
{
	const struct fake_version *version = world_version(world, id, stage);

	if (version != NULL)
		memcpy(ret, version->id, sizeof(version->id));
}

static struct status fake_describe(struct secret_store *store, const char *id,
				   struct secret_labels *ret)
{
	AUTO(world_leave) struct world *world = world_of(store);
	const struct world_call call = call_about(world, "describe", id);
	struct fake_secret *secret;

	TRY(world_begin_call(world, &call));
	if (strcmp(id, APPLICATION_SECRET) == 0)
		world->looked = world->calls;
	TRY(find_secret(world, id, &secret));
	if (secret->describe_denied)
		return failure(STATUS_DENIED, "describing '%s' was denied", id);
	TRY(world_end_call(world, &call));
	ret->rotation_enabled = secret->rotation_enabled;
	if (secret->function != NULL)
		ret->function = memory_copy_string(secret->function);
	if (secret->owner != NULL)
		ret->owner = memory_copy_string(secret->owner);
	copy_label(world, id, STAGE_CURRENT, ret->current);
	copy_label(world, id, STAGE_PENDING, ret->pending);
	copy_label(world, id, STAGE_PREVIOUS, ret->previous);
	return OK;
}

static struct status read_version(struct world *world, const char *id, enum stage stage,
				  const char *token, struct secret_version *ret)
{
	const struct fake_version *version = world_version(world, id, stage);
	struct fake_secret *secret;

	TRY(find_secret(world, id, &secret));
	if (version == NULL || version->value == NULL ||
	    (token != NULL && strcmp(version->id, token) != 0))
		return failure(STATUS_NOT_FOUND, "no value at that stage of '%s'", id);
	memcpy(ret->id, version->id, sizeof(ret->id));
	ret->created = version->created;
	return secret_make(version->value, strlen(version->value), &ret->value);
}

static struct status fake_get(struct secret_store *store, const char *id, enum stage stage,
			      const char *token, bool miss_is_normal, struct secret_version *ret)
{
	AUTO(world_leave) struct world *world = world_of(store);
	static const char *const names[] = {"get current", "get pending", "get previous"};
	const struct world_call call = call_about(world, names[stage], id);

	(void)miss_is_normal;
	TRY(world_begin_call(world, &call));
	TRY(world_end_call(world, &call));
	return read_version(world, id, stage, token, ret);
}

static struct status fake_get_version(struct secret_store *store, const char *id, const char *token,
				      struct secret_version *ret)
{
	AUTO(world_leave) struct world *world = world_of(store);
	const struct world_call call = call_about(world, "get_version", id);
	const struct fake_version *version;
	struct fake_secret *secret;

	TRY(world_begin_call(world, &call));
	TRY(world_end_call(world, &call));
	TRY(find_secret(world, id, &secret));
	version = find_version(secret, token);
	if (version == NULL || version->value == NULL)
		return failure(STATUS_NOT_FOUND, "no such version of '%s'", id);
	memcpy(ret->id, version->id, sizeof(ret->id));
	return secret_make(version->value, strlen(version->value), &ret->value);
}

static struct status fake_find(struct secret_store *store, const char *id,
			       bool (*wanted)(const struct secret_version *, void *context),
			       void *context, struct secret_version *ret)
{
	AUTO(world_leave) struct world *world = world_of(store);
	const struct world_call call = call_about(world, "find", id);
	struct fake_secret *secret;

	TRY(world_begin_call(world, &call));
	TRY(world_end_call(world, &call));
	TRY(find_secret(world, id, &secret));
	for (size_t i = WORLD_VERSIONS; i-- > 0;) { /* later ones stand further behind */
		AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
		const struct fake_version *version = &secret->versions[i];
		bool accepted;

		if (version->value == NULL)
			continue;
		memcpy(found.id, version->id, sizeof(found.id));
		TRY(secret_make(version->value, strlen(version->value), &found.value));
		world_leave(&world); /* this is the caller's own code */
		accepted = wanted(&found, context);
		world_enter(world);
		if (!accepted)
			continue;
		*ret = found;
		found = SECRET_VERSION_INIT;
		return OK;
	}
	return failure(STATUS_NOT_FOUND, "no such version of '%s'", id);
}

static struct status fake_get_current(struct secret_store *store, const char *const *ids,
				      size_t count, struct secret_reading *ret)
{
	AUTO(world_leave) struct world *world = world_of(store);
	const struct world_call call = call_about(world, "get_current", ids[0]);

	TRY(world_begin_call(world, &call));
	TRY(world_end_call(world, &call));
	for (size_t i = 0; i < count; i++)
		ret[i].status = read_version(world, ids[i], STAGE_CURRENT, NULL, &ret[i].version);
	return OK;
}

/* The label, if it still is where it was seen. Two requests, as at Secrets Manager: both may fail. */
static struct status claim(struct world *world, const struct world_call *call, const char *token,
			   const struct secret_labels *seen)
{
	const char *id = call->place;
	const struct fake_version *holder;

	TRY(world_begin_call(world, call));
	holder = world_version(world, id, STAGE_PENDING);
	if (holder != NULL && strcmp(holder->id, token) != 0 &&
	    strcmp(holder->id, seen->pending) != 0)
		return failure(STATUS_CONFLICT, "the label is on '%s'", holder->id);
	if (holder == NULL || strcmp(holder->id, token) != 0)
		world->effects++;
	world_put(world, id, token, STAGE_PENDING, NULL);
	return world_end_call(world, call);
}

static struct status fake_stage(struct secret_store *store, const char *id, const char *token,
				const struct secret *value, const struct secret_labels *seen)
{
	AUTO(world_leave) struct world *world = world_of(store);
	const struct world_call call = call_about(world, "stage", id);
	bool claims = seen != NULL && strcmp(seen->pending, token) != 0;
	struct status status = OK;
	struct fake_secret *secret;
	struct fake_version *version;

	world->writes++;
	TRY(world_begin_call(world, &call));
	TRY(find_secret(world, id, &secret));
	version = find_version(secret, token);
	if (version != NULL && version->value != NULL) {
		bool same = strcmp(version->value, secret_reveal(value)) == 0;

		if (!same && claims && strcmp(world->claimant, token) != 0)
			return failure(STATUS_CONFLICT, "an old version under this token");
		if (!same)
			status = failure(STATUS_CONFLICT, "the token has another value in '%s'",
					 id);
	} else if (claims) {
		world_put_unlabelled(world, id, token, secret_reveal(value));
		snprintf(world->claimant, sizeof(world->claimant), "%s", token);
	} else {
		world->effects++;
		world_put(world, id, token, STAGE_PENDING, secret_reveal(value));
	}
	TRY(world_end_call(world, &call));
	if (claims)
		TRY(claim(world, &call, token, seen));
	return status;
}

static struct status fake_promote(struct secret_store *store, const char *id, const char *token,
				  const char *from)
{
	AUTO(world_leave) struct world *world = world_of(store);
	const struct world_call call = call_about(world, "promote", id);
	struct fake_secret *secret;
	struct fake_version *next, *last;

	world->writes++;
	TRY(world_begin_call(world, &call));
	TRY(find_secret(world, id, &secret));
	next = find_version(secret, token);
	last = world_version(world, id, STAGE_CURRENT);
	if (next == NULL)
		return failure(STATUS_NOT_FOUND, "no version '%s'", token);
	if (next != last) {
		if (last == NULL || strcmp(last->id, from) != 0)
			return failure(STATUS_CONFLICT, "the label is elsewhere");
		watch_promotion(world, id, next);
		world->effects++;
		for (size_t i = 0; i < WORLD_VERSIONS; i++)
			secret->versions[i].labels[STAGE_PREVIOUS] = false;
		last->labels[STAGE_CURRENT] = false;
		last->labels[STAGE_PREVIOUS] = true;
		next->labels[STAGE_CURRENT] = true;
		if (strcmp(id, APPLICATION_SECRET) == 0)
			world->set_begun = false;
		else
			world->proxy_seen = 0;
	}
	TRY(world_end_call(world, &call));
	return OK;
}

static void fake_limit(struct secret_store *store, struct deadline deadline)
{
	AUTO(world_leave) struct world *world = world_of(store);

	world->store_limit = deadline;
}

static struct status fake_rotate(struct secret_store *store, const char *id, const char *token)
{
	AUTO(world_leave) struct world *world = world_of(store);
	struct fake_secret *secret;

	TRY(find_secret(world, id, &secret));
	if (world_version(world, id, STAGE_PENDING) != NULL)
		return failure(STATUS_CONFLICT, "the last rotation of '%s' is not finished", id);
	world_put(world, id, token, STAGE_PENDING, NULL);
	return OK;
}

static struct status fake_check_write(struct secret_store *store, const char *id,
				      const struct secret_labels *labels)
{
	AUTO(world_leave) struct world *world = world_of(store);
	const struct fake_version *current = world_version(world, id, STAGE_CURRENT);

	/* As at Secrets Manager, what cannot change anything is asked with a version that is there. */
	if (current == NULL || strcmp(labels->current, current->id) != 0)
		return failure(STATUS_INTERNAL, "'%s' was asked with another version", id);
	return OK;
}

static void fake_close(struct secret_store **store)
{
	free(*store);
	*store = NULL;
}

static const struct secret_store_ops fake_store_ops = {
	.describe = fake_describe,
	.get = fake_get,
	.get_version = fake_get_version,
	.find = fake_find,
	.get_current = fake_get_current,
	.stage = fake_stage,
	.promote = fake_promote,
	.limit = fake_limit,
	.rotate = fake_rotate,
	.check_write = fake_check_write,
	.close = fake_close,
};

struct secret_store *fake_store(struct world *world)
{
	struct fake_secret_store *store = calloc(1, sizeof(*store));

	store->base.ops = &fake_store_ops;
	store->world = world;
	return &store->base;
}
