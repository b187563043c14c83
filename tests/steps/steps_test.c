/* The four steps on a world in memory: what each does and what it refuses. For failures: torture_test.c. */
#include "test.h"

#include "core/credential.h"
#include "fakes/world.h"

#include <stdio.h>

/* As one warm function runs them: what testSecret has proven finishSecret need not. */
static struct status run_all(struct world *world)
{
	for (enum step step = 0; step < STEP_COUNT; step++) {
		world_warm(world, step == STEP_FINISH);
		TRY(step_run(step, &world->rotation));
	}
	return OK;
}

static void read_stored(struct world *world, const char *id, enum stage stage,
			struct credential *ret)
{
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	const struct fake_version *version = world_version(world, id, stage);

	assert_non_null(version);
	assert_non_null(version->value);
	assert_ok(secret_make(version->value, strlen(version->value), &value));
	assert_ok(credential_parse(&value, id, ret));
}

static const unsigned shapes[] = {
	WORLD_PLAIN,
	WORLD_ADMIN,
	WORLD_PROXIES_TOO,
	WORLD_ADMIN | WORLD_PROXIES_TOO,
	WORLD_ADMIN | WORLD_CLONE_MISSING,
	WORLD_ADMIN | WORLD_CLONE_MISSING | WORLD_PROXIES_TOO,
};

#define FOR_EACH_SHAPE(shape) \
	for (size_t i_ = 0;   \
	     i_ < sizeof(shapes) / sizeof(shapes[0]) && ((shape) = shapes[i_], true); i_++)

static void rotation_in_every_shape_ends_with_the_other_user(void **state)
{
	unsigned shape;

	(void)state;
	FOR_EACH_SHAPE(shape)
	{
		struct world world;

		world_make(&world, shape);
		assert_ok(run_all(&world));
		assert_string_equal(world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->id,
				    world.token);
		assert_string_equal(world_version(&world, APPLICATION_SECRET, STAGE_PREVIOUS)->id,
				    "version-1");
		assert_int_equal(world_user(&world, "app")->changes, 0);
		assert_int_equal(world_user(&world, "app-clone")->changes, 1);
		world_assert_invariants(&world, "app-clone", true);
		world_clear(&world);
	}
}

static void rotations_in_a_row_take_turns(void **state)
{
	unsigned shape;

	(void)state;
	FOR_EACH_SHAPE(shape)
	{
		struct world world;

		world_make(&world, shape);
		for (int n = 0; n < 5; n++) {
			char token[VERSION_ID_MAX + 1];

			snprintf(token, sizeof(token), "token-1111111111111111111111111%03d", n);
			world_begin_rotation(&world, token);
			assert_ok(run_all(&world));
			world_assert_invariants(&world, n % 2 == 0 ? "app-clone" : "app", true);
		}
		world_clear(&world);
	}
}

/* What a rotation costs in round trips: the README's promise. */
static void rotation_costs_the_promised_calls(void **state)
{
	static const struct {
		unsigned shape;
		int store_calls, logins;
	} budget[] = {
		{WORLD_ADMIN, 11, 3},
		{WORLD_PLAIN, 12, 2},
		{WORLD_PROXIES_TOO, 14, 3 + 2}, /* the proxy refuses twice before it has noticed */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(budget) / sizeof(budget[0]); i++) {
		struct world world;

		world_make(&world, budget[i].shape);
		assert_ok(run_all(&world));
		assert_int_equal(world.store_calls, budget[i].store_calls);
		assert_int_equal(world.logins, budget[i].logins);
		world_clear(&world);
	}
}

static void step_of_a_finished_rotation_changes_nothing(void **state)
{
	unsigned shape;

	(void)state;
	FOR_EACH_SHAPE(shape)
	{
		struct world world;

		world_make(&world, shape);
		assert_ok(run_all(&world));
		world_reset_counts(&world);
		assert_ok(run_all(&world));
		assert_int_equal(world_user(&world, "app-clone")->changes, 0);
		assert_int_equal(world.logins, 0);
		/* The same with the pending label taken away, as some functions do last. */
		world_version(&world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] =
			false;
		assert_ok(run_all(&world));
		assert_int_equal(world.logins, 0);
		world_clear(&world);
	}
}

/* A retry finds everything done: it writes nothing, and the password is the same. */
static void steps_again_after_set_secret_write_nothing(void **state)
{
	unsigned shape;

	(void)state;
	FOR_EACH_SHAPE(shape)
	{
		struct world world;

		world_make(&world, shape);
		assert_ok(create_secret(&world.rotation));
		assert_ok(set_secret(&world.rotation));
		assert_int_equal(world.writes, world.has_proxies ? 3 : 1);
		world_reset_counts(&world);
		assert_ok(create_secret(&world.rotation));
		assert_ok(set_secret(&world.rotation));
		assert_int_equal(world.writes, 0);
		assert_int_equal(world_user(&world, "app-clone")->changes, 0);
		world_clear(&world);
	}
}

static void create_secret_twice_keeps_the_first_password(void **state)
{
	AUTO(credential_clear) struct credential first = CREDENTIAL_INIT, second = CREDENTIAL_INIT;
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	assert_ok(create_secret(&world.rotation));
	read_stored(&world, APPLICATION_SECRET, STAGE_PENDING, &first);
	assert_ok(create_secret(&world.rotation));
	read_stored(&world, APPLICATION_SECRET, STAGE_PENDING, &second);
	assert_true(secret_equal(&first.text, &second.text));
	assert_string_equal(first.username, "app-clone");
	assert_int_equal(secret_length(&first.password), 32);
	world_clear(&world);
}

static void create_secret_stages_the_same_password_for_the_proxy_and_keeps_its_keys(void **state)
{
	AUTO(credential_clear) struct credential pending = CREDENTIAL_INIT, copy = CREDENTIAL_INIT;
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT,
		  "{\"username\":\"app-clone\",\"password\":\"inactive-password\",\"team\":7}");
	assert_ok(create_secret(&world.rotation));
	read_stored(&world, APPLICATION_SECRET, STAGE_PENDING, &pending);
	read_stored(&world, PROXY_SECRET_CLONE, STAGE_PENDING, &copy);
	assert_true(secret_equal(&pending.password, &copy.password));
	assert_non_null(strstr(secret_reveal(&copy.text), ",\"team\":7}"));
	assert_null(world_version(&world, PROXY_SECRET_BASE, STAGE_PENDING));
	assert_non_null(strstr(secret_reveal(&pending.text), "9007199254740993"));
	world_clear(&world);
}

/* Each line: the application secret's value, and what the refusal says. */
static const struct {
	const char *value, *part;
} unusable[] = {
	{"nonsense", "not JSON"},
	{"[]", "not a JSON object"},
	{"{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"app\",\"password\":{\"a\":1}}",
	 "\"password\" in the secret 'app/database' is not a string"},
	{"{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"app\",\"password\":7}",
	 "not a string"},
	{"{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\","
	 "\"proxy_secret_ids\":[\"proxy/app\"]}",
	 "but only one user"},
	{"{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"eve\",\"password\":\"p\","
	 "\"rotation_usernames\":[\"app\",\"app-clone\"]}",
	 "not one of"},
	{"{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\","
	 "\"rotation_usernames\":[\"app\",\"app\"]}",
	 "'app' twice"},
	{"{\"host\":\"h\",\"username\":\"app\",\"password\":\"p\","
	 "\"rotation_usernames\":[\"app\",\"app-clone\"]}",
	 "\"engine\" is missing"},
	{"{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\",\"port\":"
	 "70000,"
	 "\"rotation_usernames\":[\"app\",\"app-clone\"]}",
	 "not a port"},
	{"{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\","
	 "\"rotation_usernames\":[\"app\",\"app-clone\"],\"proxy_secret_ids\":[\"proxy/app\"]}",
	 "no proxy secret is for 'app-clone'"},
	{"{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\","
	 "\"rotation_usernames\":[\"app\",\"app-clone\"],\"proxy_secret_ids\":[\"proxy/app\","
	 "\"proxy/app-clone\",\"app/admin\"]}",
	 "both for 'app'"},
};

static void create_secret_with_an_unusable_secret_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++) {
		struct world world;

		world_make(&world, WORLD_PROXIES_TOO | WORLD_ADMIN);
		world_put(&world, ADMIN_SECRET, "admin-1", STAGE_CURRENT,
			  "{\"username\":\"app\",\"password\":\"x\"}");
		world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
			  unusable[i].value);
		assert_failed(create_secret(&world.rotation), STATUS_INVALID, unusable[i].part);
		assert_null(world_version(&world, APPLICATION_SECRET, STAGE_PENDING)->value);
		assert_null(world_version(&world, PROXY_SECRET_CLONE, STAGE_PENDING));
		world_clear(&world);
	}
}

static void create_secret_without_a_current_value_says_so(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->labels[STAGE_CURRENT] = false;
	assert_failed(create_secret(&world.rotation), STATUS_NOT_FOUND, "no current value");
	world_clear(&world);
}

static void create_secret_of_a_superseded_rotation_is_refused(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "token-of-somebody-else-00000000000", STAGE_PENDING,
		  NULL);
	for (enum step step = 0; step < STEP_COUNT; step++)
		assert_failed(step_run(step, &world.rotation), STATUS_CONFLICT, "start it again");
	assert_int_equal(world.logins, 0);
	world_clear(&world);
}

static void create_secret_without_a_schedule_is_refused_unless_started_here(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_secret(&world, APPLICATION_SECRET)->rotation_enabled = false;
	world_version(&world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
	assert_failed(create_secret(&world.rotation), STATUS_INVALID, "rotation is not enabled");
	world.rotation.started_here = true;
	assert_ok(run_all(&world));
	world_assert_invariants(&world, "app-clone", true);
	world_clear(&world);
}

/* Taking the label from a rotation under way would lose the password it may have set already. */
static void create_secret_beside_another_rotation_is_refused_for_everybody(void **state)
{
	struct world world;

	(void)state;
	for (int step = STEP_CREATE; step < STEP_FINISH; step++) {
		char first[VERSION_ID_MAX + 1];

		world_make(&world, WORLD_ADMIN);
		world.rotation.started_here = true;
		world_secret(&world, APPLICATION_SECRET)->rotation_enabled = false;
		for (enum step done = 0; done <= (enum step)step; done++)
			assert_ok(step_run(done, &world.rotation));
		memcpy(first, world.token, sizeof(first));
		snprintf(world.token, sizeof(world.token), "token-of-a-second-rotation-00000000");
		assert_failed(create_secret(&world.rotation), STATUS_CONFLICT, "another rotation");
		assert_failed(set_secret(&world.rotation), STATUS_CONFLICT, "neither pending");
		memcpy(world.token, first, sizeof(first));
		assert_ok(run_all(&world));
		world_assert_invariants(&world, "app-clone", true);
		world_clear(&world);
	}
}

#define RIVAL "token-of-a-rotation-begun-meanwhile"

/* The world's own rotation goes on under its own token; this one is somebody else's. */
static void rival_creates(struct world *world)
{
	struct rotation rival = world->rotation;
	struct report report = {0};

	rival.token = RIVAL;
	rival.report = &report;
	world->intrude_at = 0;
	world->rival = create_secret(&rival);
}

/* Two that nobody serialises, begun in the same moment: one gets the label, the other ends. */
static void create_secret_twice_under_two_tokens_lets_one_go_on(void **state)
{
	int won = 0, lost = 0;

	(void)state;
	for (int n = 1;; n++) {
		struct world world;
		struct status mine;

		world_make(&world, WORLD_PROXIES_TOO);
		world.rotation.started_here = true;
		world_secret(&world, APPLICATION_SECRET)->rotation_enabled = false;
		world_version(&world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] =
			false;
		world.intrude = rival_creates;
		world.intrude_at = n;
		mine = create_secret(&world.rotation);
		if (world.intrude_at != 0) {
			world_clear(&world);
			break;
		}
		assert_int_not_equal(mine.code == STATUS_OK, world.rival.code == STATUS_OK);
		assert_int_equal(mine.code == STATUS_OK ? world.rival.code : mine.code,
				 STATUS_CONFLICT);
		if (mine.code != STATUS_OK) {
			lost++;
			assert_non_null(strstr(mine.detail, "another rotation"));
			for (enum step step = STEP_SET; step < STEP_COUNT; step++)
				assert_failed(step_run(step, &world.rotation), STATUS_CONFLICT,
					      "neither pending");
			memcpy(world.token, RIVAL, sizeof(RIVAL));
		} else {
			won++;
		}
		assert_ok(run_all(&world));
		world_assert_invariants(&world, "app-clone", true);
		assert_int_equal(world_user(&world, "app-clone")->changes, 1);
		world_clear(&world);
	}
	assert_true(won > 0 && lost > 0);
}

/* An old rotation's step that comes late would bring an old password back. */
static void create_secret_under_the_token_of_an_old_rotation_is_refused(void **state)
{
	struct world world;
	char first[VERSION_ID_MAX + 1];

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world.rotation.started_here = true;
	world_secret(&world, APPLICATION_SECRET)->rotation_enabled = false;
	world_version(&world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
	memcpy(first, world.token, sizeof(first));
	assert_ok(run_all(&world));
	snprintf(world.token, sizeof(world.token), "token-of-a-second-rotation-00000000");
	assert_ok(run_all(&world));
	memcpy(world.token, first, sizeof(first));
	assert_failed(create_secret(&world.rotation), STATUS_CONFLICT, "old");
	assert_string_not_equal(world_version(&world, APPLICATION_SECRET, STAGE_PENDING)->id,
				first);
	world_clear(&world);
}

static void create_secret_of_a_scheduled_secret_needs_the_schedules_token(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_version(&world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
	world.rotation.started_here = true;
	assert_failed(create_secret(&world.rotation), STATUS_CONFLICT, "is not pending");
	world_clear(&world);
}

static void put_a_pending_value(struct world *world)
{
	world_put(world, APPLICATION_SECRET, world->token, STAGE_PENDING,
		  "{\"engine\": \"fake\", \"host\": \"db.example\", \"username\": \"app-clone\", "
		  "\"password\": \"the-first-one-counts\", \"big\": 9007199254740993, "
		  "\"rotation_usernames\": [\"app\", \"app-clone\"]}");
}

/* Two createSecret at a time: the store takes the first value, and both go on with that one. */
static void create_secret_that_comes_second_keeps_the_first_value(void **state)
{
	AUTO(credential_clear) struct credential pending = CREDENTIAL_INIT;
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world.intrude = put_a_pending_value;
	world.intrude_at = 4; /* describe, current, pending; then the other one puts first */
	assert_ok(create_secret(&world.rotation));
	read_stored(&world, APPLICATION_SECRET, STAGE_PENDING, &pending);
	assert_string_equal(secret_reveal(&pending.password), "the-first-one-counts");
	assert_ok(run_all(&world));
	world_assert_invariants(&world, "app-clone", true);
	world_clear(&world);
}

static void finish_all_beside(struct world *world)
{
	struct report report = {0};
	struct rotation beside = world->rotation;

	beside.report = &report;
	for (enum step step = 0; step < STEP_COUNT; step++)
		assert_ok(step_run(step, &beside));
}

/* By the same step at the same time, once the labels were read: the current version tells. */
static void create_secret_of_a_rotation_that_just_finished_has_nothing_to_do(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ADMIN);
	world.intrude = finish_all_beside;
	world.intrude_at = 2;
	assert_ok(create_secret(&world.rotation));
	assert_string_equal(world.report.outcome, "already finished");
	world_assert_invariants(&world, "app-clone", true);
	world_clear(&world);
}

/* Somebody edits another key of the proxy secret between two tries: the password is what counts. */
static void create_secret_again_after_an_edit_of_the_proxy_secret_goes_on(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	assert_ok(create_secret(&world.rotation));
	world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT,
		  "{\"username\":\"app-clone\",\"password\":\"inactive-password\",\"new\":1}");
	assert_ok(run_all(&world));
	world_assert_invariants(&world, "app-clone", true);
	world_clear(&world);
}

/* Put by hand, a value takes the pending label off the version before, the one we staged. */
static void create_secret_again_after_an_edit_that_took_the_label_goes_on(void **state)
{
	static const char edited[] =
		"{\"username\":\"app-clone\",\"password\":\"inactive-password\",\"new\":1}";

	(void)state;
	for (enum step done = STEP_CREATE; done <= STEP_SET; done++) {
		struct world world;

		world_make(&world, WORLD_PROXIES_TOO);
		for (enum step step = 0; step <= done; step++)
			assert_ok(step_run(step, &world.rotation));
		world_version(&world, PROXY_SECRET_CLONE, STAGE_PENDING)->labels[STAGE_PENDING] =
			false;
		if (done == STEP_CREATE)
			world_put(&world, PROXY_SECRET_CLONE, "proxy-3", STAGE_CURRENT, edited);
		world_reset_counts(&world);
		assert_ok(run_all(&world));
		world_reset_counts(&world);
		world_assert_invariants(&world, "app-clone", true);
		world_clear(&world);
	}
}

static void create_secret_with_another_password_in_the_proxy_secret_is_refused(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	world_put(&world, PROXY_SECRET_CLONE, world.token, STAGE_PENDING,
		  "{\"username\":\"app-clone\",\"password\":\"of-somebody-else\"}");
	assert_failed(create_secret(&world.rotation), STATUS_CONFLICT, "has another password");
	world_clear(&world);
}

static void create_secret_with_itself_as_a_proxy_secret_is_refused(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		  "{\"engine\":\"fake\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\","
		  "\"rotation_usernames\":[\"app\",\"app-clone\"],\"proxy_secret_ids\":"
		  "[\"" APPLICATION_SECRET "\",\"" PROXY_SECRET_CLONE "\"]}");
	assert_failed(create_secret(&world.rotation), STATUS_INVALID, "under rotation itself");
	world_clear(&world);
}

static void set_secret_with_a_pending_version_that_names_the_active_user_is_refused(void **state)
{
	struct world world;
	unsigned shape;

	(void)state;
	FOR_EACH_SHAPE(shape)
	{
		world_make(&world, shape);
		world_put(&world, APPLICATION_SECRET, world.token, STAGE_PENDING,
			  world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->value);
		assert_failed(set_secret(&world.rotation), STATUS_CONFLICT,
			      "names the active user 'app'");
		assert_int_equal(world_user(&world, "app")->changes, 0);
		world_clear(&world);
	}
}

/* A host slipped into the pending version must not see a password, whoever's it is. */
static void set_secret_with_an_edited_pending_version_is_refused(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ADMIN);
	world_put(&world, APPLICATION_SECRET, world.token, STAGE_PENDING,
		  "{\"engine\": \"fake\", \"host\": \"evil.example\", \"username\": \"app-clone\", "
		  "\"password\": \"x\", \"masterarn\": \"" ADMIN_SECRET
		  "\", \"rotation_usernames\": [\"app\", \"app-clone\"]}");
	assert_failed(create_secret(&world.rotation), STATUS_CONFLICT, "edited meanwhile");
	assert_failed(set_secret(&world.rotation), STATUS_CONFLICT, "edited meanwhile");
	assert_failed(test_secret(&world.rotation), STATUS_CONFLICT, "edited meanwhile");
	assert_int_equal(world.logins, 0);
	world_clear(&world);
}

static void set_secret_with_an_admin_of_another_host_never_logs_in(void **state)
{
	static const char *const admins[] = {
		"{\"host\":\"other.example\",\"username\":\"admin\",\"password\":\"p\"}",
		"{\"username\":\"admin\",\"password\":\"admin-password\"}",
		"{\"host\":\"db.example\",\"username\":\"app-clone\",\"password\":\"x\"}",
		"{\"host\":\"db.example\",\"port\":9999,\"username\":\"admin\",\"password\":\"x\"}",
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world world;

		world_make(&world, WORLD_ADMIN);
		assert_ok(create_secret(&world.rotation));
		world_put(&world, ADMIN_SECRET, "admin-1", STAGE_CURRENT, admins[i]);
		assert_failed(set_secret(&world.rotation), STATUS_INVALID, "the admin secret");
		assert_int_equal(world.logins, 0);
		world_clear(&world);
	}
}

#define FORGED "\"host\": \"evil.example\""

/* Who may write the secret, but read no other, writes a host of his own into every version. */
static void forge_host(struct world *world, enum stage stage)
{
	struct fake_version *version = world_version(world, APPLICATION_SECRET, stage);
	const char *at = strstr(version->value, "\"host\": \"db.example\"");
	char forged[600], id[VERSION_ID_MAX + 1];

	memcpy(id, version->id, sizeof(id));
	snprintf(forged, sizeof(forged), "%.*s" FORGED "%s", (int)(at - version->value),
		 version->value, at + strlen("\"host\": \"db.example\""));
	world_put(world, APPLICATION_SECRET, id, stage, forged);
}

static void secret_whose_host_was_changed_gets_nobody_elses_password(void **state)
{
	static const char *const previous[] = {
		NULL, /* it says nothing of a host */
		"{\"host\": \"db.example\", \"username\": \"app-clone\", \"password\": "
		"\"inactive-password\"}",
	};
	unsigned shape;

	(void)state;
	FOR_EACH_SHAPE(shape)
	{
		for (size_t i = 0; i < 2 && (shape & WORLD_CLONE_MISSING) == 0; i++) {
			struct world world;
			struct status status;

			world_make(&world, shape);
			world.proves_nothing = true;
			world.config.proxy_wait = 1;
			if (previous[i] != NULL)
				world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
					  previous[i]);
			forge_host(&world, STAGE_CURRENT);
			assert_ok(create_secret(&world.rotation));
			status = set_secret(&world.rotation);
			assert_int_not_equal(status.code, STATUS_OK);
			assert_int_not_equal(finish_secret(&world.rotation).code, STATUS_OK);
			assert_int_equal(world.leaks, 0);
			world_clear(&world);
		}
	}
}

/* The confused deputy: a host that does not accept the active credential is not our database. */
/* An admin that may set this user's password, and no more, is enough once the user is there. */
static void set_secret_with_an_admin_creates_nobody_who_is_there(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ADMIN);
	world.may_not_create = true;
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	assert_string_equal(world.report.outcome, "set the password as the admin");
	world_clear(&world);

	world_make(&world, WORLD_ADMIN | WORLD_CLONE_MISSING);
	world.may_not_create = true;
	assert_ok(create_secret(&world.rotation));
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "may not create users");
	world_clear(&world);
}

static void set_secret_where_the_active_credential_fails_never_sends_the_admins(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ADMIN);
	assert_ok(create_secret(&world.rotation));
	snprintf(world_user(&world, "app")->password, 20, "changed-by-hand");
	world.logins = 0;
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "before the admin logs in");
	assert_int_equal(world.logins, 1);
	world_clear(&world);
}

static void set_secret_tries_each_password_once_and_says_what_to_do(void **state)
{
	unsigned shape;

	(void)state;
	for (shape = WORLD_PLAIN; shape <= WORLD_PROXIES_TOO; shape += WORLD_PROXIES_TOO) {
		struct world world;

		world_make(&world, shape);
		assert_ok(create_secret(&world.rotation));
		snprintf(world_user(&world, "app-clone")->password, 20, "changed-by-hand");
		assert_failed(set_secret(&world.rotation), STATUS_DENIED,
			      "was refused at db.example");
		assert_int_equal(world.logins, 2);
		world_clear(&world);
	}
}

static void set_secret_with_a_pending_version_of_a_stranger_is_refused(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ADMIN);
	world_put(&world, APPLICATION_SECRET, world.token, STAGE_PENDING,
		  "{\"engine\":\"fake\",\"host\":\"db.example\",\"username\":\"admin\","
		  "\"password\":\"x\","
		  "\"rotation_usernames\":[\"app\",\"admin\"],\"masterarn\":\"" ADMIN_SECRET "\"}");
	assert_failed(create_secret(&world.rotation), STATUS_CONFLICT,
		      "it is the turn of 'app-clone'");
	assert_failed(set_secret(&world.rotation), STATUS_CONFLICT,
		      "it is the turn of 'app-clone'");
	assert_int_equal(world.logins, 0);
	world_clear(&world);
}

/* AWSPREVIOUS after an edit by hand: it names the active user, whose password is not to be tried. */
static void set_secret_never_tries_another_users_password(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
		  "{\"username\": \"app\", \"password\": \"active-password\"}");
	assert_ok(create_secret(&world.rotation));
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "its last one is not known");
	assert_int_equal(world.logins, 1);
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS, "no JSON");
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "its last one is not known");
	world_clear(&world);
}

static void set_secret_tries_a_password_once_where_last_and_pending_are_the_same(void **state)
{
	AUTO(credential_clear) struct credential pending = CREDENTIAL_INIT;
	struct world world;
	char previous[300];

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	read_stored(&world, APPLICATION_SECRET, STAGE_PENDING, &pending);
	snprintf(previous, sizeof(previous), "{\"username\": \"app-clone\", \"password\": \"%s\"}",
		 secret_reveal(&pending.password));
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS, previous);
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "was refused at db.example");
	assert_int_equal(world.logins, 1);
	world_clear(&world);
}

static void set_secret_without_a_known_last_password_tries_the_pending_one(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS, "gone");
	world_version(&world, APPLICATION_SECRET, STAGE_PREVIOUS)->labels[STAGE_PREVIOUS] = false;
	assert_ok(create_secret(&world.rotation));
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "its last one is not known");
	assert_int_equal(world.logins, 1);
	world_clear(&world);
}

static void test_secret_alone_with_the_current_credential_passes(void **state)
{
	unsigned shape;

	(void)state;
	FOR_EACH_SHAPE(shape)
	{
		struct world world;

		world_make(&world, shape);
		world_put(&world, APPLICATION_SECRET, world.token, STAGE_PENDING,
			  world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->value);
		assert_ok(test_secret(&world.rotation));
		assert_int_equal(world_user(&world, "app")->changes, 0);
		assert_int_equal(world.logins, world.has_proxies ? 2 + world.proxy_lag : 1);
		world_clear(&world);
	}
}

static void test_secret_with_a_weaker_user_names_what_is_missing(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	world_user(&world, "app-clone")->weak = true;
	assert_failed(test_secret(&world.rotation), STATUS_INVALID, "missing SELECT on t");
	world_clear(&world);
}

static void test_secret_waits_for_a_proxy_but_not_for_ever(void **state)
{
	struct world world;
	int64_t begun;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	world.config.proxy_wait = 30;
	world.proxy_lag = 1000000;
	begun = world.time;
	assert_failed(test_secret(&world.rotation), STATUS_DENIED,
		      "did not accept the new password");
	assert_in_range(world.time - begun, 27000, 30000);
	world.proxy_lag = world.proxy_seen + 9;
	assert_ok(test_secret(&world.rotation));
	world_clear(&world);
}

/* A proxy that cannot be reached for a moment has not refused anything. */
static void test_secret_asks_a_proxy_again_that_could_not_be_reached(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	world.proxy_lag = 0;
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	world_reset_counts(&world);
	world.fail_at = 5; /* pending, current, login, grants; then the proxy */
	assert_ok(test_secret(&world.rotation));
	assert_int_equal(world.calls, 6);
	assert_int_equal(world.logins, 2);
	world_clear(&world);
}

/* Called alone or out of turn it must not hand the application a password that nobody has set. */
static void finish_secret_promotes_nothing_that_was_not_proven(void **state)
{
	unsigned shape;

	(void)state;
	FOR_EACH_SHAPE(shape)
	{
		struct world world;

		world_make(&world, shape);
		assert_ok(create_secret(&world.rotation));
		world_reset_counts(&world);
		/* A missing clone is refused as well; with proxies their patience runs out. */
		assert_failed(finish_secret(&world.rotation), STATUS_DENIED,
			      "proving the new version first");
		assert_int_equal(world.writes, 0);
		world_assert_invariants(&world, "app", true);
		assert_ok(set_secret(&world.rotation));
		assert_ok(finish_secret(&world.rotation));
		assert_true(world.logins > 0);
		world_assert_invariants(&world, "app-clone", true);
		world_clear(&world);
	}
}

/* The proof was of the pending version beside another one: what was edited since would be undone. */
static void finish_secret_after_an_edit_does_not_undo_it(void **state)
{
	struct world world;
	char edited[600];

	(void)state;
	world_make(&world, WORLD_PLAIN);
	for (enum step step = STEP_CREATE; step < STEP_FINISH; step++)
		assert_ok(step_run(step, &world.rotation));
	world_warm(&world, true);
	snprintf(edited, sizeof(edited), "%s ",
		 world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->value);
	world_put(&world, APPLICATION_SECRET, "edited-by-hand", STAGE_CURRENT, edited);
	world_reset_counts(&world);
	assert_failed(finish_secret(&world.rotation), STATUS_CONFLICT, "edited meanwhile");
	assert_int_equal(world.writes, 0);
	world_clear(&world);
}

static void rotation_over_plaintext_says_so(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_put(
		&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		"{\"engine\":\"fake\",\"host\":\"db.example\",\"ssl\":false,\"username\":\"app\","
		"\"password\":\"active-password\",\"rotation_usernames\":[\"app\",\"app-clone\"]}");
	/* What says nothing of it wants TLS: its password is not sent without. */
	assert_failed(run_all(&world), STATUS_DENIED, "will not be sent without TLS");
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
		  "{\"host\":\"db.example\",\"ssl\":false,\"username\":\"app-clone\","
		  "\"password\":\"inactive-password\"}");
	world_reset_counts(&world);
	assert_ok(run_all(&world));
	assert_int_equal(world.report.note_count, 1);
	assert_non_null(strstr(world.report.notes[0], "not encrypted"));
	world_clear(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rotation_in_every_shape_ends_with_the_other_user),
		cmocka_unit_test(rotations_in_a_row_take_turns),
		cmocka_unit_test(rotation_costs_the_promised_calls),
		cmocka_unit_test(step_of_a_finished_rotation_changes_nothing),
		cmocka_unit_test(steps_again_after_set_secret_write_nothing),
		cmocka_unit_test(create_secret_twice_keeps_the_first_password),
		cmocka_unit_test(
			create_secret_stages_the_same_password_for_the_proxy_and_keeps_its_keys),
		cmocka_unit_test(create_secret_with_an_unusable_secret_changes_nothing),
		cmocka_unit_test(create_secret_without_a_current_value_says_so),
		cmocka_unit_test(create_secret_of_a_superseded_rotation_is_refused),
		cmocka_unit_test(create_secret_without_a_schedule_is_refused_unless_started_here),
		cmocka_unit_test(create_secret_beside_another_rotation_is_refused_for_everybody),
		cmocka_unit_test(create_secret_twice_under_two_tokens_lets_one_go_on),
		cmocka_unit_test(create_secret_under_the_token_of_an_old_rotation_is_refused),
		cmocka_unit_test(create_secret_of_a_scheduled_secret_needs_the_schedules_token),
		cmocka_unit_test(create_secret_that_comes_second_keeps_the_first_value),
		cmocka_unit_test(create_secret_of_a_rotation_that_just_finished_has_nothing_to_do),
		cmocka_unit_test(create_secret_again_after_an_edit_of_the_proxy_secret_goes_on),
		cmocka_unit_test(create_secret_again_after_an_edit_that_took_the_label_goes_on),
		cmocka_unit_test(
			create_secret_with_another_password_in_the_proxy_secret_is_refused),
		cmocka_unit_test(create_secret_with_itself_as_a_proxy_secret_is_refused),
		cmocka_unit_test(
			set_secret_with_a_pending_version_that_names_the_active_user_is_refused),
		cmocka_unit_test(set_secret_with_an_edited_pending_version_is_refused),
		cmocka_unit_test(set_secret_with_an_admin_of_another_host_never_logs_in),
		cmocka_unit_test(secret_whose_host_was_changed_gets_nobody_elses_password),
		cmocka_unit_test(set_secret_with_an_admin_creates_nobody_who_is_there),
		cmocka_unit_test(
			set_secret_where_the_active_credential_fails_never_sends_the_admins),
		cmocka_unit_test(set_secret_tries_each_password_once_and_says_what_to_do),
		cmocka_unit_test(set_secret_with_a_pending_version_of_a_stranger_is_refused),
		cmocka_unit_test(set_secret_never_tries_another_users_password),
		cmocka_unit_test(
			set_secret_tries_a_password_once_where_last_and_pending_are_the_same),
		cmocka_unit_test(set_secret_without_a_known_last_password_tries_the_pending_one),
		cmocka_unit_test(test_secret_alone_with_the_current_credential_passes),
		cmocka_unit_test(test_secret_with_a_weaker_user_names_what_is_missing),
		cmocka_unit_test(test_secret_waits_for_a_proxy_but_not_for_ever),
		cmocka_unit_test(test_secret_asks_a_proxy_again_that_could_not_be_reached),
		cmocka_unit_test(finish_secret_promotes_nothing_that_was_not_proven),
		cmocka_unit_test(finish_secret_after_an_edit_does_not_undo_it),
		cmocka_unit_test(rotation_over_plaintext_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
