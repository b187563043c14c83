#include "fakes/world.h"

#include "test.h"

#include "core/credential.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>

static struct world *clock_world;

static int64_t fake_now(void)
{
	return clock_world->time;
}

static void fake_sleep(int64_t milliseconds)
{
	clock_world->time += milliseconds > 0 ? milliseconds : 0;
}

static const struct clock fake_clock = {.now = fake_now, .sleep = fake_sleep};

/* Not random, so that a test is repeatable; never the same twice. */
static struct status fake_fill(void *bytes, size_t length)
{
	static unsigned state = 1;

	if (++clock_world->fills == clock_world->fill_fails_at)
		return failure(STATUS_UNAVAILABLE, "the fake source has no random bytes");
	for (size_t i = 0; i < length; i++) {
		state = state * 1103515245 + 12345;
		((unsigned char *)bytes)[i] = (unsigned char)(state >> 16);
	}
	return OK;
}

static const struct random fake_random = {.fill = fake_fill};

static const char *no_variable(const char *name)
{
	(void)name;
	return NULL;
}

struct fake_secret *world_secret(struct world *world, const char *id)
{
	for (size_t i = 0; i < WORLD_SECRETS; i++)
		if (world->secrets[i].id != NULL && strcmp(world->secrets[i].id, id) == 0)
			return &world->secrets[i];
	return NULL;
}

struct fake_user *world_user(struct world *world, const char *name)
{
	for (size_t i = 0; i < WORLD_USERS; i++)
		if (strcmp(world->users[i].name, name) == 0)
			return &world->users[i];
	return NULL;
}

struct fake_version *world_version(struct world *world, const char *id, enum stage stage)
{
	struct fake_secret *secret = world_secret(world, id);

	for (size_t i = 0; secret != NULL && i < WORLD_VERSIONS; i++)
		if (secret->versions[i].labels[stage])
			return &secret->versions[i];
	return NULL;
}

/* The version itself; else a free place; else one that has lost its labels. */
static struct fake_version *place_version(struct fake_secret *secret, const char *version)
{
	struct fake_version *found = NULL, *room = NULL, *faded = NULL;

	for (size_t i = 0; i < WORLD_VERSIONS; i++) {
		struct fake_version *at = &secret->versions[i];
		bool labelled = at->labels[0] || at->labels[1] || at->labels[2];

		if (strcmp(at->id, version) == 0)
			found = at;
		else if (at->id[0] == '\0' && room == NULL)
			room = at;
		else if (!labelled && faded == NULL)
			faded = at;
	}
	if (found == NULL)
		found = room != NULL ? room : faded;
	assert_non_null(found);
	if (strcmp(found->id, version) != 0)
		string_clear(&found->value);
	snprintf(found->id, sizeof(found->id), "%s", version);
	return found;
}

static struct fake_version *put_value(struct world *world, const char *id, const char *version,
				      const char *value)
{
	struct fake_secret *secret = world_secret(world, id);
	struct fake_version *found;

	for (size_t i = 0; secret == NULL && i < WORLD_SECRETS; i++)
		if (world->secrets[i].id == NULL) {
			secret = &world->secrets[i];
			*secret = (struct fake_secret){.id = id};
		}
	assert_non_null(secret);
	found = place_version(secret, version);
	if (value != NULL) {
		string_clear(&found->value);
		found->value = memory_copy_string(value);
	}
	return found;
}

void world_put(struct world *world, const char *id, const char *version, enum stage stage,
	       const char *value)
{
	struct fake_version *holder = world_version(world, id, stage);

	if (holder != NULL)
		holder->labels[stage] = false;
	put_value(world, id, version, value)->labels[stage] = true;
}

void world_put_unlabelled(struct world *world, const char *id, const char *version,
			  const char *value)
{
	put_value(world, id, version, value);
}

static void add_user(struct world *world, const char *name, const char *password)
{
	for (size_t i = 0; i < WORLD_USERS; i++)
		if (world->users[i].name[0] == '\0') {
			snprintf(world->users[i].name, sizeof(world->users[i].name), "%s", name);
			snprintf(world->users[i].password, sizeof(world->users[i].password), "%s",
				 password);
			return;
		}
}

/* The application secret's value, in the shape's words. */
static void compose_value(unsigned shape, char *ret, size_t size)
{
	const char *proxies = "", *endpoints = "";

	if (shape & WORLD_PROXIES_TOO) {
		proxies = shape & WORLD_RING_OF_THREE
				  ? ", \"proxy_secret_ids\": [\"" PROXY_SECRET_CLONE
				    "\", \"" PROXY_SECRET_BASE "\", \"" PROXY_SECRET_THIRD "\"]"
				  : ", \"proxy_secret_ids\": [\"" PROXY_SECRET_CLONE
				    "\", \"" PROXY_SECRET_BASE "\"]";
		endpoints = shape & WORLD_TWO_ENDPOINTS
				    ? ", \"proxy_endpoints\": [\"proxy.example:6432\", "
				      "\"proxy.reader.example\"]"
				    : ", \"proxy_endpoints\": [\"proxy.example:6432\"]";
	}
	snprintf(ret, size,
		 "{%s, \"username\": \"app\", \"password\": \"active-password\", "
		 "\"big\": 9007199254740993%s%s%s, \"rotation_usernames\": [%s]}",
		 shape & WORLD_OTHER_KEYS
			 ? "\"rotation_type\": \"multi_user\", \"database_host\": \"db.example\", "
			   "\"database_port\": 1234, \"database_name\": \"shop\""
		 : shape & WORLD_TWO_PASSWORDS ? "\"engine\": \"dual\", \"host\": \"db.example\""
					       : "\"engine\": \"fake\", \"host\": \"db.example\"",
		 shape & WORLD_ADMIN ? ", \"masterarn\": \"" ADMIN_SECRET "\"" : "", proxies,
		 endpoints,
		 shape & WORLD_ONE_USER	       ? "\"app\""
		 : shape & WORLD_RING_OF_THREE ? "\"app\", \"app-clone\", \"app-third\""
					       : "\"app\", \"app-clone\"");
}

static void put_admin(struct world *world, unsigned shape)
{
	bool managed = (shape & WORLD_MANAGED) != 0;

	world_put(world, ADMIN_SECRET, "admin-1", STAGE_CURRENT,
		  managed	     ? "{\"username\": \"admin\", \"password\": \"admin-password\"}"
		  : world->is_reader ? "{\"host\": \"" WRITER "\", \"username\": \"admin\", "
				       "\"password\": \"admin-password\"}"
				     : "{\"host\": \"" DATABASE "\", \"username\": \"admin\", "
				       "\"password\": \"admin-password\"}");
	if (managed)
		world_secret(world, ADMIN_SECRET)->owner = OWNER;
}

/* Other people's databases are in it too. */
static void make_directory(struct world *world, unsigned shape)
{
	const char *writer = world->is_reader ? WRITER : DATABASE;
	const char *engine = shape & WORLD_TWO_PASSWORDS ? "dual" : "fake";

	world->hosts[0] = (struct fake_host){"other.example", "other.example", "another", "fake"};
	world->hosts[1] = (struct fake_host){DATABASE, writer, NULL, engine};
	world->hosts[2] = (struct fake_host){WRITER, WRITER, NULL, engine};
	world->hosts[world->is_reader ? 2 : 1].owner = OWNER;
}

static void make_secrets(struct world *world, unsigned shape)
{
	bool three = (shape & WORLD_RING_OF_THREE) != 0;
	char value[700];

	compose_value(shape, value, sizeof(value));
	world_put(world, APPLICATION_SECRET, "version-1", STAGE_CURRENT, value);
	if (three)
		world_put(world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
			  "{\"username\": \"app-third\", \"password\": \"third-password\"}");
	else if (shape & WORLD_TWO_PASSWORDS &&
		 (shape & (WORLD_CLONE_MISSING | WORLD_ONE_USER)) == 0)
		world_put(world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
			  "{\"host\": \"db.example\", \"username\": \"app-clone\", "
			  "\"password\": \"inactive-password\"}");
	else if ((shape & (WORLD_CLONE_MISSING | WORLD_ONE_USER)) == 0)
		world_put(world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
			  "{\"username\": \"app-clone\", \"password\": \"inactive-password\"}");
	if (world->has_admin)
		put_admin(world, shape);
	if (!world->has_proxies)
		return;
	world_put(world, PROXY_SECRET_BASE, "proxy-1", STAGE_CURRENT,
		  "{\"username\":\"app\",\"password\":\"active-password\",\"team\":7}");
	world_put(world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT,
		  "{\"username\":\"app-clone\",\"password\":\"inactive-password\"}");
	if (three)
		world_put(world, PROXY_SECRET_THIRD, "proxy-3", STAGE_CURRENT,
			  "{\"username\":\"app-third\",\"password\":\"third-password\"}");
}

void world_make(struct world *world, unsigned shape)
{
	*world = (struct world){
		.has_admin = (shape & WORLD_ADMIN) != 0,
		.has_proxies = (shape & WORLD_PROXIES_TOO) != 0,
		.has_one_user = (shape & WORLD_ONE_USER) != 0,
		.is_reader = (shape & WORLD_READER) != 0,
		.name_tells = (shape & WORLD_READER) != 0 && (shape & WORLD_ADMIN) == 0,
		.proxy_lag = 2,
		.reader_lag = 2,
	};
	clock_world = world;
	fake_driver_world = world;
	memory_init();
	assert_ok(config_load(no_variable, &world->config));
	if (shape & WORLD_OTHER_KEYS)
		world->config.engine = "fake";

	add_user(world, "app", "active-password");
	if ((shape & (WORLD_CLONE_MISSING | WORLD_ONE_USER)) == 0)
		add_user(world, "app-clone", "inactive-password");
	if (shape & WORLD_RING_OF_THREE)
		add_user(world, "app-third", "third-password");
	add_user(world, "admin", "admin-password");
	make_secrets(world, shape);
	make_directory(world, shape);
	world_secret(world, APPLICATION_SECRET)->rotation_enabled = true;
	world->rotation = (struct rotation){
		.config = &world->config,
		.drivers = fake_drivers,
		.store = fake_store(world),
		.directory = fake_directory(world),
		.random = &fake_random,
		.secret_id = APPLICATION_SECRET,
		.token = world->token,
		.report = &world->report,
	};
	world_begin_rotation(world, "token-0000000000000000000000000001");
}

void world_begin_rotation(struct world *world, const char *token)
{
	snprintf(world->token, sizeof(world->token), "%s", token);
	world_put(world, APPLICATION_SECRET, token, STAGE_PENDING, NULL);
	world->set_begun = false;
	world_reset_counts(world);
}

void world_warm(struct world *world, bool warm)
{
	const struct fake_version *current = world_version(world, APPLICATION_SECRET,
							   STAGE_CURRENT);

	world->rotation.proven = warm ? &world->proven : NULL;
	if (current != NULL)
		memcpy(world->proven.from, current->id, sizeof(world->proven.from));
}

void world_reset_counts(struct world *world)
{
	world->report = (struct report){0};
	world->calls = world->looked = world->fail_at = world->intrude_at = world->store_calls =
		world->writes = world->logins = world->lookups = world->effects =
			world->late_calls = 0;
	world->store_limit = (struct deadline){0};
	world->rotation.deadline = deadline_in(&fake_clock, 60000);
	for (size_t i = 0; i < WORLD_USERS; i++)
		world->users[i].changes = world->users[i].wrong_tries = 0;
}

void world_clear(struct world *world)
{
	for (size_t i = 0; i < WORLD_SECRETS; i++)
		for (size_t j = 0; j < WORLD_VERSIONS; j++)
			string_clear(&world->secrets[i].versions[j].value);
	secret_store_close(&world->rotation.store);
	directory_close(&world->rotation.directory);
}

struct world *world_enter(struct world *world)
{
	if (world->memory_paused != NULL)
		++*world->memory_paused;
	return world;
}

void world_leave(struct world **world)
{
	if ((*world)->memory_paused != NULL)
		--*(*world)->memory_paused;
}

static struct status fail_call(struct world *world, const struct world_call *call)
{
	bool silent = world->failure == FAIL_SILENT || world->failure == FAIL_SILENT_AFTER;

	snprintf(world->failed_call, sizeof(world->failed_call), "%s", call->name);
	snprintf(world->failed_place, sizeof(world->failed_place), "%s", call->place);
	snprintf(world->failed_user, sizeof(world->failed_user), "%s", call->user);
	if (silent && world->time < call->deadline.at)
		world->time = call->deadline.at;
	return failure(world->answer != STATUS_OK ? world->answer : STATUS_UNAVAILABLE,
		       "%s fails here", call->place);
}

static void look_if_changed(struct world *world)
{
	if (world->effects == world->effects_watched)
		return;
	world->effects_watched = world->effects;
	watch_moment(world);
}

struct status world_begin_call(struct world *world, const struct world_call *call)
{
	if (++world->calls == world->intrude_at)
		world->intrude(world);
	if (deadline_left(world->rotation.deadline) == 0)
		world->late_calls++;
	if (world->has_one_user)
		watch_moment(world);
	else
		look_if_changed(world);
	if (world->calls == world->fail_at &&
	    (world->failure == FAIL_BEFORE || world->failure == FAIL_SILENT))
		return fail_call(world, call);
	if (deadline_left(call->deadline) == 0)
		return failure(STATUS_UNAVAILABLE, "%s was not asked: no time is left",
			       call->place);
	return OK;
}

struct status world_end_call(struct world *world, const struct world_call *call)
{
	if (!world->has_one_user)
		look_if_changed(world);
	if (world->calls == world->fail_at &&
	    (world->failure == FAIL_AFTER || world->failure == FAIL_SILENT_AFTER))
		return fail_call(world, call);
	return OK;
}

void world_describe(struct world *world, char *ret, size_t size)
{
	static const char *const words[] = {" current", " pending", " previous"};
	FILE *text = fmemopen(ret, size, "w");

	assert_non_null(text);
	for (size_t i = 0; i < WORLD_SECRETS && world->secrets[i].id != NULL; i++)
		for (size_t j = 0; j < WORLD_VERSIONS; j++) {
			const struct fake_version *version = &world->secrets[i].versions[j];

			if (version->id[0] == '\0')
				continue;
			fprintf(text, "%s %s%s:", world->secrets[i].id, version->id,
				version->value != NULL ? "" : " (empty)");
			for (size_t stage = 0; stage < 3; stage++)
				fputs(version->labels[stage] ? words[stage] : "", text);
			fputs("\n", text);
		}
	/* One user's password may have been put back any number of times. */
	if (world->has_one_user) {
		watch_moment(world);
		fprintf(text, "AWSCURRENT is %s\n", world->refused > 0 ? "refused" : "accepted");
		fclose(text);
		return;
	}
	for (size_t i = 0; i < WORLD_USERS && world->users[i].name[0] != '\0'; i++)
		fprintf(text, "%s: changed %d times\n", world->users[i].name,
			world->users[i].changes);
	fprintf(text, "effects: %d\n", world->effects);
	fclose(text);
}

/* Does the value under a label log in at the database? */
static void assert_logs_in(struct world *world, const char *id, enum stage stage, const char *user)
{
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	const struct fake_version *version = world_version(world, id, stage);
	const struct fake_user *known;

	assert_non_null(version);
	assert_non_null(version->value);
	assert_ok(secret_make(version->value, strlen(version->value), &value));
	assert_ok(credential_parse(&value, id, &credential));
	if (user != NULL)
		assert_string_equal(credential.username, user);
	known = world_user(world, credential.username);
	assert_non_null(known);
	assert_string_equal(secret_reveal(&credential.password), known->password);
}

void world_assert_invariants(struct world *world, const char *active, bool previous_works)
{
	assert_logs_in(world, APPLICATION_SECRET, STAGE_CURRENT, active);
	if (world->has_proxies)
		assert_logs_in(world,
			       strcmp(active, "app") == 0 ? PROXY_SECRET_BASE : PROXY_SECRET_CLONE,
			       STAGE_CURRENT, active);
	if (previous_works && world_version(world, APPLICATION_SECRET, STAGE_PREVIOUS) != NULL)
		assert_logs_in(world, APPLICATION_SECRET, STAGE_PREVIOUS, NULL);
	for (size_t i = 0; i < WORLD_USERS; i++)
		assert_in_range(world->users[i].wrong_tries, 0, 1);
	assert_int_equal(world->trespasses, 0);
}
