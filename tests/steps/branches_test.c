/*
 * What the steps say and ask at each fork: outcomes, reasons, how long they wait, whether a miss is
 * waited for, and what happens where a list is full. ci/mutate.py found these to be seen by nobody.
 */
#include "test.h"

#include "fakes/world.h"
#include "steps/rotation.h"

#include <stdio.h>

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* --- the world, with one of its operations replaced ----------------------------------------- */

static const struct secret_store_ops *fake_ops;
static struct secret_store_ops changed_ops;

static void change_store(struct world *world)
{
	fake_ops = world->rotation.store->ops;
	changed_ops = *fake_ops;
	world->rotation.store->ops = &changed_ops;
}

static void drop_label(struct world *world, enum stage stage)
{
	world_version(world, APPLICATION_SECRET, stage)->labels[stage] = false;
}

/* The world's clock, which notes how long was slept. */
static int64_t sleeps[4]; /* the first ones */
static size_t sleep_count;

static int64_t noting_now(void)
{
	return fake_driver_world->time;
}

static void noting_sleep(int64_t milliseconds)
{
	if (sleep_count < SIZE(sleeps))
		sleeps[sleep_count] = milliseconds;
	sleep_count++;
	fake_driver_world->time += milliseconds;
}

static const struct clock noting_clock = {.now = noting_now, .sleep = noting_sleep};

/* A step goes well and says this. */
static void assert_says(struct world *world, enum step step, const char *outcome, const char *user)
{
	world_reset_counts(world);
	assert_ok(step_run(step, &world->rotation));
	assert_non_null(world->report.outcome);
	assert_string_equal(world->report.outcome, outcome);
	assert_string_equal(world->report.user, user);
	assert_int_equal(world->report.note_count, 0);
}

static size_t users_named(const struct world *world, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < WORLD_USERS; i++)
		count += strcmp(world->users[i].name, name) == 0;
	return count;
}

/* --- outcomes ------------------------------------------------------------------------------- */

static void steps_say_what_they_did(void **state)
{
	static const struct {
		unsigned shape;
		const char *set, *set_again;
	} says[] = {
		{WORLD_PLAIN, "changed the password", "password was changed before"},
		{WORLD_PROXIES_TOO, "changed the password", "password was changed before"},
		{WORLD_ADMIN, "set the password as the admin", "set the password as the admin"},
		{WORLD_ADMIN | WORLD_CLONE_MISSING, "created the user",
		 "set the password as the admin"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(says); i++) {
		struct world world;

		world_make(&world, says[i].shape);
		assert_says(&world, STEP_CREATE, "prepared a new password", "app-clone");
		assert_says(&world, STEP_CREATE, "kept the password prepared before", "app-clone");
		assert_says(&world, STEP_SET, says[i].set, "app-clone");
		assert_says(&world, STEP_SET, says[i].set_again, "app-clone");
		assert_int_equal(users_named(&world, "app-clone"), 1);
		assert_says(&world, STEP_TEST, "logged in everywhere", "app-clone");
		assert_says(&world, STEP_FINISH, "promoted the new version", "app-clone");
		world_clear(&world);
	}
}

/* The pending label may stay on the version that is current now, or be taken away. */
static void steps_of_a_finished_rotation_say_so_and_ask_no_more(void **state)
{
	static const int calls[2][STEP_COUNT] = {{1, 2, 2, 1}, {1, 2, 2, 1}};
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	for (enum step step = 0; step < STEP_COUNT; step++)
		assert_ok(step_run(step, &world.rotation));
	for (size_t i = 0; i < SIZE(calls); i++) {
		for (enum step step = 0; step < STEP_COUNT; step++) {
			assert_says(&world, step, "already finished", "");
			assert_int_equal(world.calls, calls[i][step]);
		}
		if (i == 0)
			drop_label(&world, STAGE_PENDING);
	}
	world_clear(&world);
}

static void finish_beside(struct world *world)
{
	struct report report = {0};
	struct rotation beside = world->rotation;

	beside.report = &report;
	for (enum step step = STEP_SET; step < STEP_COUNT; step++)
		assert_ok(step_run(step, &beside));
}

static void set_secret_that_came_second_says_that_all_is_done(void **state)
{
	/* pending, all that is current, previous, login; as the admin two logins */
	static const struct {
		unsigned shape;
		int lock;
	} cases[] = {{WORLD_PLAIN, 5}, {WORLD_ADMIN, 5}};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		struct world world;

		world_make(&world, cases[i].shape);
		assert_ok(create_secret(&world.rotation));
		world_reset_counts(&world);
		world.intrude = finish_beside;
		world.intrude_at = cases[i].lock;
		assert_ok(set_secret(&world.rotation));
		assert_string_equal(world.report.outcome, "already finished");
		assert_int_equal(world_user(&world, "app-clone")->changes, 1);
		world_clear(&world);
	}
}

/* After an edit by hand AWSPREVIOUS is the active user's too. */
static void edit_by_hand(struct world *world)
{
	char edited[600];

	snprintf(edited, sizeof(edited), "%s ",
		 world_version(world, APPLICATION_SECRET, STAGE_CURRENT)->value);
	world_put(world, APPLICATION_SECRET, "version-1", STAGE_PREVIOUS, NULL);
	world_put(world, APPLICATION_SECRET, "version-2", STAGE_CURRENT, edited);
}

/* --- every call once: torture_test.c has the rest -------------------------------------------- */

static void steps_stop_at_the_call_that_failed_and_say_which(void **state)
{
	static const struct {
		unsigned shape;
		bool edited;
	} cases[] = {{WORLD_PLAIN, false},
		     {WORLD_PLAIN, true},
		     {WORLD_ADMIN, false},
		     {WORLD_ADMIN | WORLD_CLONE_MISSING, false},
		     {WORLD_PROXIES_TOO, false}};

	(void)state;
	for (size_t i = 0; i < SIZE(cases) * STEP_COUNT; i++) {
		enum step step = i % STEP_COUNT;
		bool hit = true;

		for (int n = 1; hit; n++) {
			struct world world;
			struct status status;

			world_make(&world, cases[i / STEP_COUNT].shape);
			if (cases[i / STEP_COUNT].edited)
				edit_by_hand(&world);
			for (enum step before = 0; before < step; before++)
				assert_ok(step_run(before, &world.rotation));
			world_reset_counts(&world);
			world.fail_at = n;
			status = step_run(step, &world.rotation);
			hit = world.calls >= n;
			/* A proxy is asked again. */
			if (!hit || strcmp(world.failed_place, "proxy.example") == 0) {
				assert_ok(status);
			} else {
				assert_failed(status, STATUS_UNAVAILABLE, "fails here");
				assert_int_equal(world.calls, n);
			}
			world_reset_counts(&world);
			assert_ok(step_run(step, &world.rotation));
			world_clear(&world);
		}
	}
}

/* What this process has proven is of a version that is pending no more. */
static void finish_secret_without_the_label_promotes_nothing_though_it_was_proven(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	for (enum step step = 0; step < STEP_FINISH; step++)
		assert_ok(step_run(step, &world.rotation));
	drop_label(&world, STAGE_PENDING);
	world_warm(&world, true);
	world_reset_counts(&world);
	assert_failed(finish_secret(&world.rotation), STATUS_CONFLICT,
		      "neither pending nor current");
	assert_int_equal(world.writes, 0);
	world_clear(&world);
}

/* --- createSecret --------------------------------------------------------------------------- */

/* A version's id may be of one character; the store's own rules are not asked for here. */
static void create_secret_reads_labels_however_short(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	snprintf(world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->id, 2, "1");
	assert_says(&world, STEP_CREATE, "prepared a new password", "app-clone");
	world_put(&world, APPLICATION_SECRET, "2", STAGE_PENDING, NULL);
	assert_failed(create_secret(&world.rotation), STATUS_CONFLICT,
		      "another rotation, version '2', is under way or stuck");
	world_clear(&world);
}

/* What finished left its pending label where it was: nobody is under way. */
static void create_secret_after_a_rotation_whose_label_stayed_goes_on(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	for (enum step step = 0; step < STEP_COUNT; step++)
		assert_ok(step_run(step, &world.rotation));
	world_secret(&world, APPLICATION_SECRET)->rotation_enabled = false;
	world.rotation.started_here = true;
	snprintf(world.token, sizeof(world.token), "token-0000000000000000000000000002");
	assert_says(&world, STEP_CREATE, "prepared a new password", "app");
	world_clear(&world);
}

static char asked[8]; /* of each read of the token's version: was a miss expected? */

static struct status note_get(struct secret_store *store, const char *id, enum stage stage,
			      const char *token, bool miss_is_normal, struct secret_version *ret)
{
	size_t at = strlen(asked);

	if (token != NULL && at + 1 < sizeof(asked)) {
		asked[at] = miss_is_normal ? 'y' : 'n';
		asked[at + 1] = '\0';
	}
	return fake_ops->get(store, id, stage, token, miss_is_normal, ret);
}

static void put_a_pending_value(struct world *world)
{
	char value[700];
	struct fake_version *current = world_version(world, APPLICATION_SECRET, STAGE_CURRENT);

	snprintf(value, sizeof(value),
		 "{\"engine\": \"fake\", \"host\": \"db.example\", \"username\": \"app-clone\"%s",
		 strstr(current->value, ", \"password\""));
	world_put(world, APPLICATION_SECRET, world->token, STAGE_PENDING, value);
}

static void put_an_edited_value(struct world *world)
{
	world_put(world, APPLICATION_SECRET, world->token, STAGE_PENDING,
		  "{\"engine\": \"fake\", \"host\": \"db.example\", \"username\": \"app-clone\", "
		  "\"password\": \"x\", \"rotation_usernames\": [\"app\", \"app-clone\"]}");
}

/* At first nothing need be there; what somebody else has just put is there, sooner or later. */
static void create_secret_that_comes_second_waits_for_the_first_value(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	change_store(&world);
	changed_ops.get = note_get;
	world.intrude = put_a_pending_value;
	world.intrude_at = 4; /* labels, current, pending; then the value is put */
	asked[0] = '\0';
	assert_ok(create_secret(&world.rotation));
	assert_string_equal(asked, "yn");
	assert_string_equal(world.report.outcome, "kept the password prepared before");
	world_clear(&world);
}

static void create_secret_that_cannot_read_the_first_value_says_so(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world.intrude = put_a_pending_value;
	world.intrude_at = 4;
	world.fail_at = 5;
	assert_failed(create_secret(&world.rotation), STATUS_UNAVAILABLE,
		      "reading the pending version that somebody else put");
	assert_ok(create_secret(&world.rotation));
	world_clear(&world);
}

static void create_secret_that_comes_second_takes_no_edited_value(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world.intrude = put_an_edited_value;
	world.intrude_at = 4;
	assert_failed(create_secret(&world.rotation), STATUS_CONFLICT,
		      "differs from the current one in more than user name and password");
	world_clear(&world);
}

/* The proxy secret was edited between two tries: each call of finding out may fail. */
static void create_secret_again_survives_each_failure_of_checking_the_copy(void **state)
{
	int calls = 0;

	(void)state;
	for (int n = 1; n == 1 || n <= calls; n++) {
		struct world world;

		world_make(&world, WORLD_PROXIES_TOO);
		assert_ok(create_secret(&world.rotation));
		world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT,
			  "{\"username\":\"app-clone\",\"password\":\"inactive-password\","
			  "\"new\":1}");
		world_reset_counts(&world);
		world.fail_at = n;
		assert_failed(create_secret(&world.rotation), STATUS_UNAVAILABLE, "fails here");
		assert_int_equal(world.calls, n);
		world_reset_counts(&world);
		assert_ok(create_secret(&world.rotation));
		calls = world.calls;
		world_clear(&world);
	}
	assert_int_equal(calls, 8); /* labels, two reads, proxies; put, its version, labels, put */
}

/* Created once; then the proxy secret was edited, and its label put on something else. */
static void make_with_an_edited_copy(struct world *world)
{
	static const char edited[] =
		"{\"username\":\"app-clone\",\"password\":\"inactive-password\",\"new\":1}";

	world_make(world, WORLD_PROXIES_TOO);
	assert_ok(create_secret(&world->rotation));
	world_put(world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT, edited);
	world_put(world, PROXY_SECRET_CLONE, "proxy-3", STAGE_PENDING, edited);
}

/* By hand, or by a rotation that was given up: the label is seen where it is, and taken from there. */
static void create_secret_again_takes_the_label_of_the_copy_back(void **state)
{
	struct world world;

	(void)state;
	make_with_an_edited_copy(&world);
	assert_ok(create_secret(&world.rotation));
	assert_string_equal(world_version(&world, PROXY_SECRET_CLONE, STAGE_PENDING)->id,
			    world.token);
	world_clear(&world);
}

/* The store said that it is there, so the read that misses it is late. */
static void create_secret_whose_copy_cannot_be_read_yet_is_unavailable(void **state)
{
	struct world world;

	(void)state;
	make_with_an_edited_copy(&world);
	world.fail_at = world.calls + 6; /* describe, two gets, a batch, stage, and then */
	world.failure = FAIL_BEFORE;
	world.answer = STATUS_NOT_FOUND;
	assert_failed(create_secret(&world.rotation), STATUS_UNAVAILABLE, "cannot be read yet");
	assert_ok(create_secret(&world.rotation));
	world_clear(&world);
}

static void create_secret_without_random_bytes_puts_nothing(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world.fill_fails_at = world.fills + 1;
	assert_failed(create_secret(&world.rotation), STATUS_UNAVAILABLE, "no random bytes");
	assert_int_equal(world.writes, 0);
	world_clear(&world);
}

static void create_secret_with_an_unusable_copy_under_the_token_is_refused(void **state)
{
	struct world world;
	char value[200], *user;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	assert_ok(create_secret(&world.rotation));
	snprintf(value, sizeof(value), "%s",
		 world_version(&world, PROXY_SECRET_CLONE, STAGE_PENDING)->value);
	/* The same password, for another user. */
	user = strstr(value, "app-clone");
	assert_non_null(user);
	memcpy(user, "app-other", strlen("app-other"));
	world_put(&world, PROXY_SECRET_CLONE, world.token, STAGE_PENDING, value);
	assert_failed(create_secret(&world.rotation), STATUS_CONFLICT,
		      "it has another password under version");
	world_put(&world, PROXY_SECRET_CLONE, world.token, STAGE_PENDING, "no JSON");
	assert_failed(create_secret(&world.rotation), STATUS_INVALID, "its pending version");
	world_clear(&world);
}

static void create_secret_where_a_proxy_secret_cannot_be_read_says_why(void **state)
{
	static const char *const ids[] = {PROXY_SECRET_BASE, PROXY_SECRET_CLONE};

	(void)state;
	for (size_t i = 0; i < SIZE(ids); i++) {
		struct world world;
		struct status status;

		world_make(&world, WORLD_PROXIES_TOO);
		world_secret(&world, ids[i])->deleted = true;
		status = create_secret(&world.rotation);
		assert_failed(status, STATUS_INVALID, "reading the proxy secrets");
		assert_non_null(strstr(status.detail, "marked for deletion"));
		assert_non_null(strstr(status.detail, ids[i]));
		assert_int_equal(world.writes, 0);
		world_clear(&world);
	}
}

/* --- setSecret ------------------------------------------------------------------------------ */

static size_t denied_reading; /* which of get_current()'s answers */

static struct status deny_one(struct secret_store *store, const char *const *ids, size_t count,
			      struct secret_reading *ret)
{
	TRY(fake_ops->get_current(store, ids, count, ret));
	if (denied_reading < count)
		ret[denied_reading].status = failure(STATUS_DENIED, "'%s' is denied",
						     ids[denied_reading]);
	return OK;
}

static void set_secret_where_one_secret_is_denied_names_it_and_logs_in_nowhere(void **state)
{
	static const char *const says[] = {
		"reading the current version: '" APPLICATION_SECRET "' is denied",
		"reading the admin secret: '" ADMIN_SECRET "' is denied",
		"reading the proxy secrets: '" PROXY_SECRET_CLONE "' is denied",
		"reading the proxy secrets: '" PROXY_SECRET_BASE "' is denied",
	};

	(void)state;
	for (denied_reading = 0; denied_reading < SIZE(says); denied_reading++) {
		struct world world;

		world_make(&world, WORLD_ADMIN | WORLD_PROXIES_TOO);
		assert_ok(create_secret(&world.rotation));
		change_store(&world);
		changed_ops.get_current = deny_one;
		assert_failed(set_secret(&world.rotation), STATUS_DENIED, says[denied_reading]);
		assert_int_equal(world.logins, 0);
		world_clear(&world);
	}
}

static void steps_with_one_version_made_unusable_say_what_is_wrong_with_it(void **state)
{
	static const char unusable[] = "{\"engine\":\"abacus\",\"host\":\"db.example\","
				       "\"username\":\"app\",\"password\":\"active-password\","
				       "\"rotation_usernames\":[\"app\",\"app-clone\"]}";
	struct world world;

	(void)state;
	for (enum step step = STEP_SET; step <= STEP_TEST; step++) {
		world_make(&world, WORLD_PLAIN);
		assert_ok(create_secret(&world.rotation));
		world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT, unusable);
		assert_failed(step_run(step, &world.rotation), STATUS_INVALID, "abacus");
		world_clear(&world);
	}
	world_make(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, world.token, STAGE_PENDING, unusable);
	assert_failed(set_secret(&world.rotation), STATUS_INVALID, "abacus");
	world_clear(&world);
}

/* Where nobody knows the password the text says where it was looked for. */
static void set_secret_that_is_refused_says_what_it_tried(void **state)
{
	static const struct {
		unsigned shape;
		const char *previous; /* NULL: as it was made */
		const char *says;
	} cases[] = {
		{WORLD_PLAIN, NULL, "its last password (from the previous version)"},
		{WORLD_PROXIES_TOO, NULL, "its last password (from its proxy secret)"},
		{WORLD_PLAIN, "{\"username\":\"app\",\"password\":\"active-password\"}",
		 "its last one is not known: set it to the one in version 'token-"},
		{WORLD_PLAIN,
		 "{\"host\":\"old.example\",\"username\":\"app-clone\",\"password\":\"x\"}",
		 "its last one is not known: the previous version is for"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		struct world world;

		world_make(&world, cases[i].shape);
		if (cases[i].previous != NULL)
			world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
				  cases[i].previous);
		snprintf(world_user(&world, "app-clone")->password, 20, "changed-by-hand");
		assert_ok(create_secret(&world.rotation));
		assert_failed(set_secret(&world.rotation), STATUS_DENIED, cases[i].says);
		world_clear(&world);
	}
}

/* The last password was right until somebody interfered: why it is refused says the most. */
static void set_secret_that_is_refused_twice_tells_the_first_reason(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	world_reset_counts(&world);
	world.fail_at = 4; /* pending, current, previous; then the login */
	world.answer = STATUS_DENIED;
	assert_failed(set_secret(&world.rotation), STATUS_DENIED,
		      "The database said: db.example fails here");
	world_clear(&world);
}

static void set_secret_that_cannot_try_the_pending_password_says_so(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	snprintf(world_user(&world, "app-clone")->password, 20, "changed-by-hand");
	world_reset_counts(&world);
	world.fail_at = 5; /* the second login */
	assert_failed(set_secret(&world.rotation), STATUS_UNAVAILABLE,
		      "logging in as 'app-clone' with the pending password");
	world_clear(&world);
}

static int late_reads, moved_reads, describes;

static struct status describe_late(struct secret_store *store, const char *id,
				   struct secret_labels *ret)
{
	TRY(fake_ops->describe(store, id, ret));
	if (describes < late_reads)
		ret->pending[0] = '\0';
	if (describes < moved_reads)
		snprintf(ret->current, sizeof(ret->current), "another-version");
	describes++;
	return OK;
}

/* A label that was put a moment ago is looked for three times; one that moved is not. */
static void set_secret_waits_for_a_pending_label_that_is_read_late(void **state)
{
	static const struct {
		int late, moved, waits;
		bool ends_well;
	} cases[] = {
		{0, 0, 0, true},  {1, 0, 1, true},  {2, 0, 2, true},
		{9, 0, 2, false}, {9, 9, 0, false}, {0, 9, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		struct world world;

		world_make(&world, WORLD_PLAIN);
		/* An answer that is not cleared before the next one is a leak. */
		world_secret(&world, APPLICATION_SECRET)->function = "function";
		assert_ok(create_secret(&world.rotation));
		change_store(&world);
		changed_ops.describe = describe_late;
		world.rotation.deadline = deadline_in(&noting_clock, 60000);
		late_reads = cases[i].late;
		moved_reads = cases[i].moved;
		describes = 0;
		sleep_count = 0;
		world.report = (struct report){0};
		if (cases[i].ends_well)
			assert_ok(set_secret(&world.rotation));
		else
			assert_failed(set_secret(&world.rotation), STATUS_CONFLICT,
				      "the labels moved while this step ran");
		if (!cases[i].ends_well)
			assert_null(world.report.outcome);
		assert_int_equal(world_user(&world, "app-clone")->changes, cases[i].ends_well);
		assert_int_equal(describes, cases[i].waits + 1);
		assert_int_equal(sleep_count, cases[i].waits);
		for (int wait = 0; wait < cases[i].waits; wait++)
			assert_int_equal(sleeps[wait], 200);
		world_clear(&world);
	}
}

static void read_kept(const char *value, struct credential *ret)
{
	AUTO(secret_clear) struct secret text = SECRET_INIT;

	assert_ok(secret_make(value, strlen(value), &text));
	assert_ok(credential_parse(&text, "a version", ret));
}

/* Whether a failure was one of proof is said in each case, not only in that one. */
static void login_with_what_was_kept_says_whether_the_server_proved_itself(void **state)
{
	static const struct {
		const char *value, *says; /* NULL: it goes well */
		bool unproven;
	} cases[] = {
		{"{\"username\":\"app-clone\",\"password\":\"inactive-password\","
		 "\"host\":\"db.example\"}",
		 NULL, false},
		{"{\"username\":\"app-clone\",\"password\":\"inactive-password\"}",
		 "a version does not say for which \"host\" and \"port\" it is", true},
		{"{\"username\":\"app-clone\",\"password\":\"inactive-password\","
		 "\"host\":\"old.example\"}",
		 "old.example", false},
	};
	AUTO(stored_clear) struct stored current = STORED_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(rotation_get(&world.rotation, APPLICATION_SECRET, STAGE_CURRENT, &current));
	assert_ok(plan_make(&current.credential, &world.config, fake_drivers, &plan));
	world.proves_nothing = true;
	for (size_t i = 0; i < SIZE(cases); i++) {
		AUTO(credential_clear) struct credential kept = CREDENTIAL_INIT;
		AUTO(database_close) struct database *db = NULL;
		bool unproven = !cases[i].unproven;
		struct status status;

		read_kept(cases[i].value, &kept);
		status = rotation_login_kept(&world.rotation, &plan, &kept, "a version",
					     world.rotation.deadline, &db, &unproven);
		if (cases[i].says == NULL)
			assert_ok(status);
		else
			assert_failed(status, STATUS_INVALID, cases[i].says);
		assert_int_equal(unproven, cases[i].unproven);
	}
	world_clear(&world);
}

static void set_secret_with_a_proxy_secret_of_another_database_names_it(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT,
		  "{\"username\":\"app-clone\",\"password\":\"inactive-password\","
		  "\"host\":\"old.example\"}");
	assert_ok(create_secret(&world.rotation));
	assert_failed(set_secret(&world.rotation), STATUS_INVALID,
		      "the proxy secret '" PROXY_SECRET_CLONE "'");
	assert_int_equal(world.logins, 0);
	world_clear(&world);
}

/* What is no credential is passed over, and once the right one is found no other is tried. */
static void set_secret_that_found_the_password_looks_no_further(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	edit_by_hand(&world);
	world_put_unlabelled(&world, APPLICATION_SECRET, "version-a", "no JSON");
	world_put_unlabelled(&world, APPLICATION_SECRET, "version-b",
			     "{\"username\":\"app-clone\",\"password\":\"older-still\"}");
	snprintf(world_user(&world, "app-clone")->password, 20, "older-still");
	assert_ok(create_secret(&world.rotation));
	world_put_unlabelled(&world, APPLICATION_SECRET, "version-c", "no JSON");
	world_reset_counts(&world);
	assert_says(&world, STEP_SET, "changed the password, found in an older version",
		    "app-clone");
	/* The pending one, then the newest; if that was wrong, the other. */
	assert_in_range(world.logins, 2, 3);
	world_clear(&world);
}

static void set_secret_that_finds_nothing_but_garbage_says_that_nobody_knows(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	edit_by_hand(&world);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_PREVIOUS, "no JSON");
	world_put_unlabelled(&world, APPLICATION_SECRET, "version-0", "no JSON");
	assert_ok(create_secret(&world.rotation));
	world_put_unlabelled(&world, APPLICATION_SECRET, "version-c", "no JSON");
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "its last one is not known");
	world_clear(&world);
}

/* Which of the two is the newer is the store's to say. */
static void set_secret_tries_two_older_passwords_one_after_the_other(void **state)
{
	static const char *const right[] = {"older-still", "inactive-password"};
	int logins[2];

	(void)state;
	for (size_t i = 0; i < SIZE(right); i++) {
		struct world world;

		world_make(&world, WORLD_PLAIN);
		edit_by_hand(&world);
		world_put_unlabelled(&world, APPLICATION_SECRET, "version-b",
				     "{\"username\":\"app-clone\",\"password\":\"older-still\"}");
		snprintf(world_user(&world, "app-clone")->password, 20, "%s", right[i]);
		assert_ok(create_secret(&world.rotation));
		world_reset_counts(&world);
		assert_ok(set_secret(&world.rotation));
		logins[i] = world.logins;
		world_clear(&world);
	}
	/* The pending one and one or two more. */
	assert_int_equal(logins[0] + logins[1], 2 + 3);
}

/* A proxy secret's password is the one; of AWSPREVIOUS's it is not known, so the pending one is tried. */
static void set_secret_where_the_server_proves_nothing_stops_for_a_proxy_secret_only(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	assert_ok(create_secret(&world.rotation));
	world_reset_counts(&world);
	world.proves_nothing = true;
	assert_failed(set_secret(&world.rotation), STATUS_INVALID,
		      "the proxy secret '" PROXY_SECRET_CLONE "' does not say for which");
	assert_int_equal(world.logins, 1);
	world_clear(&world);

	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	world.proves_nothing = true;
	assert_says(&world, STEP_SET, "password was changed before", "app-clone");
	assert_int_equal(world.logins, 2);
	world_clear(&world);
}

/* No server of this engine proves anything: what the proxy secret does not say the previous version must. */
static void set_secret_without_a_word_for_which_database_it_is_kept_stops(void **state)
{
	static const char *const previous[] = {
		NULL, /* none has the label */
		"not a secret's",
		"{\"engine\": \"dual\", \"host\": \"db.example\", \"username\": \"app-clone\", "
		"\"password\": \"another\"}",
		"{\"engine\": \"dual\", \"host\": \"db.example\", \"username\": \"other\", "
		"\"password\": \"inactive-password\"}",
		"{\"username\": \"app-clone\", \"password\": \"inactive-password\"}",
		"{\"engine\": \"dual\", \"host\": \"elsewhere.example\", \"username\": "
		"\"app-clone\", \"password\": \"inactive-password\"}",
	};

	(void)state;
	for (size_t i = 0; i < SIZE(previous); i++) {
		struct world world;

		world_make(&world, WORLD_PROXIES_TOO | WORLD_TWO_PASSWORDS);
		assert_ok(create_secret(&world.rotation));
		if (previous[i] != NULL)
			world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
				  previous[i]);
		else
			drop_label(&world, STAGE_PREVIOUS);
		assert_failed(set_secret(&world.rotation), STATUS_INVALID,
			      "the proxy secret '" PROXY_SECRET_CLONE "' does not say for which");
		assert_int_equal(world_user(&world, "app-clone")->changes, 0);
		world_clear(&world);
	}
}

static struct status no_previous(struct secret_store *store, const char *id, enum stage stage,
				 const char *token, bool miss_is_normal, struct secret_version *ret)
{
	if (stage == STAGE_PREVIOUS)
		return failure(STATUS_UNAVAILABLE, "nobody needs it");
	return fake_ops->get(store, id, stage, token, miss_is_normal, ret);
}

/* Then nobody else's word is asked for. */
static void set_secret_believes_a_proxy_secret_that_says_its_database(void **state)
{
	static const struct {
		const char *host;
		enum status_code code;
		const char *says;
	} cases[] = {
		{"db.example", STATUS_OK, ""},
		{"elsewhere.example", STATUS_INVALID, "is for elsewhere.example:1234"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		struct world world;
		struct status set;
		char value[200];

		world_make(&world, WORLD_PROXIES_TOO | WORLD_TWO_PASSWORDS);
		snprintf(value, sizeof(value),
			 "{\"host\": \"%s\", \"username\": \"app-clone\", \"password\": "
			 "\"inactive-password\"}",
			 cases[i].host);
		world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT, value);
		assert_ok(create_secret(&world.rotation));
		change_store(&world);
		changed_ops.get = no_previous;
		set = set_secret(&world.rotation);
		assert_int_equal(set.code, cases[i].code);
		assert_non_null(strstr(set.detail, cases[i].says));
		world_clear(&world);
	}
}

/* --- versions, proxy copies, notes: rotation.h ---------------------------------------------- */

static struct status miss_at_first(struct secret_store *store, const char *id, enum stage stage,
				   const char *token, bool miss_is_normal,
				   struct secret_version *ret)
{
	if (token != NULL && miss_is_normal)
		return failure(STATUS_NOT_FOUND, "not visible yet");
	return fake_ops->get(store, id, stage, token, miss_is_normal, ret);
}

/* Stores answer reads late: what is neither there nor finished is waited for. */
static void pending_version_that_is_seen_late_is_waited_for(void **state)
{
	AUTO(stored_clear) struct stored pending = STORED_INIT;
	struct world world;
	bool finished = true;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	change_store(&world);
	changed_ops.get = miss_at_first;
	assert_ok(rotation_pending(&world.rotation, &pending, &finished));
	assert_false(finished);
	assert_string_equal(pending.version, world.token);
	/* Its failure is the result, whether it is of the label or of the second look. */
	for (int n = 1; n <= 2; n++) {
		world_reset_counts(&world);
		world.fail_at = n;
		assert_failed(rotation_pending(&world.rotation, &pending, &finished),
			      STATUS_UNAVAILABLE, "fails here");
	}
	changed_ops.get = note_get;
	asked[0] = '\0';
	drop_label(&world, STAGE_PENDING);
	assert_failed(rotation_pending(&world.rotation, &pending, &finished), STATUS_CONFLICT,
		      "neither pending nor current");
	assert_string_equal(asked, "yn");
	world_clear(&world);
}

static void pending_version_that_is_there_is_not_finished(void **state)
{
	AUTO(stored_clear) struct stored pending = STORED_INIT;
	struct world world;
	bool finished = true;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	assert_ok(rotation_pending(&world.rotation, &pending, &finished));
	assert_false(finished);
	assert_string_equal(pending.credential.username, "app-clone");
	world_clear(&world);
}

static void cleared_values_are_empty_and_may_be_filled_again(void **state)
{
	static const char value[] = "{\"username\":\"app\",\"password\":\"p\"}";
	AUTO(credential_clear) struct credential others = CREDENTIAL_INIT;
	char user[] = "app", other[] = "other", id[] = "proxy/app";
	const struct plan plan = {.users = {user},
				  .user_count = 1,
				  .proxy_secret_ids = {id},
				  .proxy_secret_count = 1};
	struct plan of_others = plan;
	struct proxy_copy copy = PROXY_COPY_INIT;
	struct secret_reading reading = {.status = OK};

	(void)state;
	snprintf(reading.version.id, sizeof(reading.version.id), "version-1");
	assert_ok(secret_make(value, strlen(value), &reading.version.value));
	/* What it held before is freed: a leak, otherwise. */
	for (int i = 0; i < 2; i++) {
		assert_ok(proxy_copy_find(&plan, &reading, "app", &copy));
		assert_string_equal(copy.secret_id, "proxy/app");
		assert_string_equal(copy.stored.version, "version-1");
	}
	assert_true(proxy_copy_holds(&copy, &copy.stored.credential));
	/* The same password of somebody else is not the same. */
	read_kept("{\"username\":\"other\",\"password\":\"p\"}", &others);
	assert_false(proxy_copy_holds(&copy, &others));
	/* A failure leaves it as it was. */
	snprintf(reading.version.id, sizeof(reading.version.id), "version-2");
	of_others.users[0] = other;
	assert_failed(proxy_copy_find(&of_others, &reading, "other", &copy), STATUS_INVALID,
		      "reading the proxy secrets");
	assert_string_equal(copy.stored.version, "version-1");
	stored_clear(&copy.stored);
	assert_string_equal(copy.stored.version, "");
	assert_null(copy.stored.credential.username);
	proxy_copy_clear(&copy);
	assert_null(copy.secret_id);
	secret_readings_clear(&reading, 1);
}

static void notes_end_where_there_is_no_more_room(void **state)
{
	struct report report = {.proven.from = "version-1"};
	const struct rotation rotation = {.report = &report};

	(void)state;
	report_note(&rotation, "%s", "");
	for (int i = 1; i <= REPORT_NOTES_MAX + 1; i++) {
		report_note(&rotation, "note %d", i);
		report_note(&rotation, "note %d", i);
		assert_int_equal(report.note_count,
				 i < REPORT_NOTES_MAX ? i + 1 : REPORT_NOTES_MAX);
	}
	assert_string_equal(report.notes[0], "");
	assert_string_equal(report.notes[REPORT_NOTES_MAX - 1], "note 7");
	assert_string_equal(report.proven.from, "version-1");
}

/* What the world has no room for answers by itself. */
static struct status get_current_of_many(struct secret_store *store, const char *const *ids,
					 size_t count, struct secret_reading *ret)
{
	for (size_t i = 0; i < count; i++) {
		char value[80];

		if (world_secret(fake_driver_world, ids[i]) != NULL) {
			TRY(fake_ops->get_current(store, &ids[i], 1, &ret[i]));
			continue;
		}
		snprintf(value, sizeof(value), "{\"username\":\"%s\",\"password\":\"p\"}", ids[i]);
		snprintf(ret[i].version.id, sizeof(ret[i].version.id), "version-1");
		TRY(secret_make(value, strlen(value), &ret[i].version.value));
	}
	return OK;
}

/* Lists as long as they may be: nothing is read or written behind them. */
static void rotation_of_the_longest_ring_with_the_most_proxies_ends_well(void **state)
{
	static const char value[] =
		"{\"engine\":\"fake\",\"host\":\"db.example\",\"username\":\"app\","
		"\"password\":\"active-password\",\"masterarn\":\"" ADMIN_SECRET "\","
		"\"rotation_usernames\":[\"app\",\"app-clone\",\"u3\",\"u4\",\"u5\",\"u6\",\"u7\","
		"\"u8\"],\"proxy_secret_ids\":[\"" PROXY_SECRET_BASE "\",\"" PROXY_SECRET_CLONE
		"\",\"u3\",\"u4\",\"u5\",\"u6\",\"u7\",\"u8\"],\"proxy_endpoints\":["
		"\"proxy.1\",\"proxy.2\",\"proxy.3\",\"proxy.4\",\"proxy.5\",\"proxy.6\","
		"\"proxy.7\",\"proxy.8\"]}";
	struct world world;

	(void)state;
	world_make(&world, WORLD_ADMIN | WORLD_PROXIES_TOO);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT, value);
	change_store(&world);
	changed_ops.get_current = get_current_of_many;
	for (enum step step = 0; step < STEP_COUNT; step++)
		assert_ok(step_run(step, &world.rotation));
	assert_string_equal(world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->id,
			    world.token);
	world_clear(&world);
}

/* --- testSecret ----------------------------------------------------------------------------- */

/* 100, 200, 400, then 500 ms, while another wait still ends before the end. */
static void test_secret_waits_longer_and_longer_and_says_how_long(void **state)
{
	static const struct {
		long long proxy_wait, deadline, waited;
		size_t sleeps;
		const char *says;
	} cases[] = {
		{600, 1700, 1200, 4, "within 1 s"},
		{600, 1699, 1200, 4, "within 1 s"},
		{600, 1701, 1700, 5, "within 1 s"},
		{600, 499500, 499200, 1000, "within 499 s"},
		{201, 900000, 200700, 403, "within 200 s"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		struct world world;
		int64_t begun;

		world_make(&world, WORLD_PROXIES_TOO);
		assert_ok(create_secret(&world.rotation));
		assert_ok(set_secret(&world.rotation));
		world_reset_counts(&world);
		begun = world.time = 7000;
		world.proxy_lag = 1000000;
		world.config.proxy_wait = cases[i].proxy_wait;
		world.rotation.deadline = deadline_in(&noting_clock, cases[i].deadline);
		sleep_count = 0;
		assert_failed(test_secret(&world.rotation), STATUS_DENIED, cases[i].says);
		assert_int_equal(world.time - begun, cases[i].waited);
		assert_int_equal(sleep_count, cases[i].sleeps);
		assert_int_equal(sleeps[0], 100);
		assert_int_equal(sleeps[1], 200);
		assert_int_equal(sleeps[2], 400);
		assert_int_equal(sleeps[3], 500);
		world_clear(&world);
	}
}

/* Only a refusal or silence may be of the moment. */
static void test_secret_where_the_proxy_is_wrong_for_good_says_so_at_once(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	world_reset_counts(&world);
	world.fail_at = 5; /* pending, current, login, grants; then the proxy */
	world.answer = STATUS_INVALID;
	assert_failed(test_secret(&world.rotation), STATUS_INVALID,
		      "logging in at the proxy as 'app-clone': proxy.example fails here");
	assert_int_equal(world.calls, 5);
	world_clear(&world);
}

/* Where rights are shown to their owner only. Refused, the application cannot wait: the new version helps. */
static void test_secret_of_a_refused_active_user_compares_nothing_and_says_so(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_TWO_PASSWORDS | WORLD_ADMIN);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	snprintf(world_user(&world, "app")->password, 32, "by-hand");
	assert_ok(test_secret(&world.rotation));
	assert_int_equal(world.report.note_count, 1);
	assert_non_null(strstr(world.report.notes[0],
			       "'app-clone' was not compared with the active user: logging in as "
			       "'app' to see what it may do"));
	world_clear(&world);
}

/* What it may do is not known then: a lack would be the application's tomorrow. */
static void test_secret_that_cannot_ask_the_active_user_is_unavailable(void **state)
{
	struct world world;

	(void)state;
	for (int n = 1;; n++) {
		struct status tested;

		world_make(&world, WORLD_TWO_PASSWORDS);
		assert_ok(create_secret(&world.rotation));
		assert_ok(set_secret(&world.rotation));
		world_reset_counts(&world);
		world.fail_at = n;
		world.answer = STATUS_UNAVAILABLE;
		tested = test_secret(&world.rotation);
		assert_true(world.calls >= n);
		world_clear(&world);
		if (strcmp(world.failed_call, "open") != 0 || strcmp(world.failed_user, "app") != 0)
			continue;
		assert_failed(tested, STATUS_UNAVAILABLE,
			      "logging in as 'app' to see what it may do");
		break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_say_what_they_did),
		cmocka_unit_test(steps_of_a_finished_rotation_say_so_and_ask_no_more),
		cmocka_unit_test(set_secret_that_came_second_says_that_all_is_done),
		cmocka_unit_test(steps_stop_at_the_call_that_failed_and_say_which),
		cmocka_unit_test(
			finish_secret_without_the_label_promotes_nothing_though_it_was_proven),
		cmocka_unit_test(create_secret_reads_labels_however_short),
		cmocka_unit_test(create_secret_after_a_rotation_whose_label_stayed_goes_on),
		cmocka_unit_test(create_secret_that_comes_second_waits_for_the_first_value),
		cmocka_unit_test(create_secret_that_cannot_read_the_first_value_says_so),
		cmocka_unit_test(create_secret_that_comes_second_takes_no_edited_value),
		cmocka_unit_test(create_secret_again_survives_each_failure_of_checking_the_copy),
		cmocka_unit_test(create_secret_again_takes_the_label_of_the_copy_back),
		cmocka_unit_test(create_secret_whose_copy_cannot_be_read_yet_is_unavailable),
		cmocka_unit_test(create_secret_without_random_bytes_puts_nothing),
		cmocka_unit_test(create_secret_with_an_unusable_copy_under_the_token_is_refused),
		cmocka_unit_test(create_secret_where_a_proxy_secret_cannot_be_read_says_why),
		cmocka_unit_test(
			set_secret_where_one_secret_is_denied_names_it_and_logs_in_nowhere),
		cmocka_unit_test(steps_with_one_version_made_unusable_say_what_is_wrong_with_it),
		cmocka_unit_test(set_secret_that_is_refused_says_what_it_tried),
		cmocka_unit_test(set_secret_that_is_refused_twice_tells_the_first_reason),
		cmocka_unit_test(set_secret_that_cannot_try_the_pending_password_says_so),
		cmocka_unit_test(set_secret_waits_for_a_pending_label_that_is_read_late),
		cmocka_unit_test(
			set_secret_where_the_server_proves_nothing_stops_for_a_proxy_secret_only),
		cmocka_unit_test(set_secret_without_a_word_for_which_database_it_is_kept_stops),
		cmocka_unit_test(set_secret_believes_a_proxy_secret_that_says_its_database),
		cmocka_unit_test(set_secret_with_a_proxy_secret_of_another_database_names_it),
		cmocka_unit_test(set_secret_that_found_the_password_looks_no_further),
		cmocka_unit_test(set_secret_that_finds_nothing_but_garbage_says_that_nobody_knows),
		cmocka_unit_test(set_secret_tries_two_older_passwords_one_after_the_other),
		cmocka_unit_test(login_with_what_was_kept_says_whether_the_server_proved_itself),
		cmocka_unit_test(pending_version_that_is_seen_late_is_waited_for),
		cmocka_unit_test(pending_version_that_is_there_is_not_finished),
		cmocka_unit_test(cleared_values_are_empty_and_may_be_filled_again),
		cmocka_unit_test(notes_end_where_there_is_no_more_room),
		cmocka_unit_test(rotation_of_the_longest_ring_with_the_most_proxies_ends_well),
		cmocka_unit_test(test_secret_waits_longer_and_longer_and_says_how_long),
		cmocka_unit_test(test_secret_where_the_proxy_is_wrong_for_good_says_so_at_once),
		cmocka_unit_test(test_secret_of_a_refused_active_user_compares_nothing_and_says_so),
		cmocka_unit_test(test_secret_that_cannot_ask_the_active_user_is_unavailable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
