/* The directory port in memory: a few databases, and who is written through whom. */
#include "fakes/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT 1234

struct fake_directory {
	struct directory base;
	struct world *world;
};

static struct world *world_of(struct directory *directory)
{
	struct world *world = ((struct fake_directory *)directory)->world;

	world->lookups++;
	return world_enter(world);
}

static struct world_call call_about(const struct world *world, const char *name, const char *place)
{
	return (struct world_call){
		.name = name, .place = place, .user = "", .deadline = world->rotation.deadline};
}

static void take_place(const char *host, const char *engine, struct place *ret)
{
	*ret = (struct place){.port = PORT};
	snprintf(ret->host, sizeof(ret->host), "%s", host);
	snprintf(ret->engine, sizeof(ret->engine), "%s", engine);
}

static struct status fake_find(struct directory *directory, const char *owner, struct place *ret)
{
	AUTO(world_leave) struct world *world = world_of(directory);
	const struct world_call call = call_about(world, "find owner", owner);

	TRY(world_begin_call(world, &call));
	TRY(world_end_call(world, &call));
	for (size_t i = 0; i < WORLD_HOSTS; i++) {
		const struct fake_host *known = &world->hosts[i];

		if (known->owner == NULL || strcmp(known->owner, owner) != 0)
			continue;
		take_place(known->host, known->engine, ret);
		return OK;
	}
	return failure(STATUS_NOT_FOUND, "there is no database '%s'", owner);
}

static struct status fake_find_writer(struct directory *directory, const char *host,
				      struct place *ret)
{
	AUTO(world_leave) struct world *world = world_of(directory);
	const struct world_call call = call_about(world, "find writer", host);

	TRY(world_begin_call(world, &call));
	TRY(world_end_call(world, &call));
	for (size_t i = 0; i < WORLD_HOSTS; i++) {
		const struct fake_host *known = &world->hosts[i];

		if (known->host == NULL || strcasecmp(known->host, host) != 0)
			continue;
		take_place(known->writer, known->engine, ret);
		return OK;
	}
	return failure(STATUS_NOT_FOUND, "nobody is at '%s'", host);
}

static bool fake_names_reader(const char *host)
{
	return fake_driver_world->name_tells && strcmp(host, DATABASE) == 0;
}

static void fake_close(struct directory **directory)
{
	free(*directory);
	*directory = NULL;
}

static const struct directory_ops fake_directory_ops = {
	.find = fake_find,
	.find_writer = fake_find_writer,
	.names_reader = fake_names_reader,
	.close = fake_close,
};

struct directory *fake_directory(struct world *world)
{
	struct fake_directory *directory = calloc(1, sizeof(*directory));

	directory->base.ops = &fake_directory_ops;
	directory->world = world;
	return &directory->base;
}
