/*
 * status and check on a world where something is missing, refused or stale: each says so in one
 * finding, with its severity, and looks no further than it can. inspect_test.c has the whole picture.
 */
#include "test.h"

#include "fakes/world.h"
#include "steps/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct inspection found;

static void look(void (*inspect)(const struct rotation *, struct inspection *), struct world *world)
{
	found.count = 0;
	world_reset_counts(world);
	inspect(&world->rotation, &found);
}

static size_t count(const char *kind, const char *name, const char *user)
{
	size_t matches = 0;

	for (size_t i = 0; i < found.count; i++)
		matches += strcmp(found.findings[i].kind, kind) == 0 &&
			   (name == NULL || strcmp(found.findings[i].name, name) == 0) &&
			   (user == NULL || strcmp(found.findings[i].user, user) == 0);
	return matches;
}

/* The one finding of this kind, name and user. */
static const struct finding *only(const char *kind, const char *name, const char *user)
{
	assert_int_equal(count(kind, name, user), 1);
	for (size_t i = 0;; i++)
		if (strcmp(found.findings[i].kind, kind) == 0 &&
		    (name == NULL || strcmp(found.findings[i].name, name) == 0) &&
		    (user == NULL || strcmp(found.findings[i].user, user) == 0))
			return &found.findings[i];
}

#define assert_only(kind, name, user, wanted_severity, wanted_state)     \
	do {                                                             \
		const struct finding *finding_ = only(kind, name, user); \
		assert_string_equal(finding_->state, wanted_state);      \
		assert_int_equal(finding_->severity, wanted_severity);   \
	} while (0)

/* No rotation is under way, and a proxy knows everything at once. */
static void make_quiet(struct world *world, unsigned shape)
{
	world_make(world, shape);
	world_version(world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
	world->proxy_lag = 0;
}

static void drop_label(struct world *world, enum stage stage)
{
	world_version(world, APPLICATION_SECRET, stage)->labels[stage] = false;
}

/* The store's own operations with one of them replaced. */
static const struct secret_store_ops *fake_ops;
static struct secret_store_ops changed_ops;

static void change_store(struct world *world)
{
	fake_ops = world->rotation.store->ops;
	changed_ops = *fake_ops;
	world->rotation.store->ops = &changed_ops;
}

static void severity_is_the_worst_of_those_that_count(void **state)
{
	struct inspection one = {.count = 0};

	(void)state;
	assert_int_equal(inspection_severity(&one), FINDING_GOOD);
	inspection_add(&one, "k", "n", NULL, FINDING_BAD, "s", "%s", "");
	inspection_add(&one, "k", "n", NULL, FINDING_WARNING, "s", "%s", "");
	assert_int_equal(inspection_severity(&one), FINDING_BAD);
	one.findings[0].severity = FINDING_GOOD;
	assert_int_equal(inspection_severity(&one), FINDING_WARNING);
	one.count = 1;
	assert_int_equal(inspection_severity(&one), FINDING_GOOD);
}

static void every_outcome_has_a_word(void **state)
{
	static const struct {
		enum status_code code;
		const char *word;
	} words[] = {
		{STATUS_DENIED, "refused"},	     {STATUS_NOT_FOUND, "missing"},
		{STATUS_UNAVAILABLE, "unreachable"}, {STATUS_INVALID, "wrong"},
		{STATUS_CONFLICT, "wrong"},	     {STATUS_INTERNAL, "wrong"},
	};

	(void)state;
	assert_string_equal(inspection_state(OK), "works");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_string_equal(inspection_state(failure(words[i].code, "%s", "")),
				    words[i].word);
}

static void status_tells_ages_at_their_limits(void **state)
{
	static const struct {
		int64_t seconds;
		const char *age;
	} ages[] = {
		{-3600, "version-1, 0 min old"},      {60, "version-1, 1 min old"},
		{59 * 60, "version-1, 59 min old"},   {60 * 60, "version-1, 1 h 0 min old"},
		{48 * 3600, "version-1, 2 days old"}, {49 * 3600 - 60, "version-1, 2 days old"},
	};
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		/* Half a minute more, so that a slow test is still inside the same one. */
		world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->created =
			(int64_t)time(NULL) - ages[i].seconds - 30;
		look(inspect_status, &world);
		assert_only("version", "current", "app", FINDING_GOOD, "current");
		assert_string_equal(only("version", "current", NULL)->detail, ages[i].age);
	}
	world_clear(&world);
}

static void status_of_a_secret_without_a_current_version_ends_there(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	drop_label(&world, STAGE_CURRENT);
	look(inspect_status, &world);
	assert_only("version", "current", "", FINDING_BAD, "missing");
	assert_int_equal(found.count, 2);
	world_put(&world, APPLICATION_SECRET, "an-empty-one", STAGE_CURRENT, NULL);
	look(inspect_status, &world);
	assert_only("version", "current", "", FINDING_BAD, "missing");
	assert_int_equal(count("plan", NULL, NULL), 0);
	world.rotation.secret_id = "no-such-secret";
	look(inspect_status, &world);
	assert_int_equal(found.count, 1);
	world_clear(&world);
}

static void status_of_an_unusable_secret_looks_no_further(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT, "no JSON");
	look(inspect_status, &world);
	assert_only("version", "current", "", FINDING_BAD, "wrong");
	assert_int_equal(count("plan", NULL, NULL), 0);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		  "{\"username\":\"app\",\"password\":\"p\"}");
	look(inspect_check, &world);
	assert_only("plan", APPLICATION_SECRET, "", FINDING_BAD, "wrong");
	assert_int_equal(count("user", NULL, NULL), 0);
	assert_int_equal(world.logins, 0);
	world_clear(&world);
}

static void status_of_a_store_that_fails_says_where(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	look(inspect_status, &world);
	found.count = 0;
	world_reset_counts(&world);
	world.fail_at = 2; /* labels; then the current version */
	inspect_status(&world.rotation, &found);
	assert_only("version", "current", "", FINDING_BAD, "unreachable");
	assert_int_equal(count("plan", NULL, NULL), 0);
	world_clear(&world);
}

/* Any id is one, however short. */
static void status_reads_versions_whose_ids_are_one_character(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "c", STAGE_CURRENT,
		  world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->value);
	world_put(&world, APPLICATION_SECRET, "p", STAGE_PREVIOUS,
		  world_version(&world, APPLICATION_SECRET, STAGE_PREVIOUS)->value);
	world_put(&world, APPLICATION_SECRET, "n", STAGE_PENDING, NULL);
	look(inspect_status, &world);
	assert_only("version", "current", "app", FINDING_GOOD, "current");
	assert_only("version", "previous", "app-clone", FINDING_GOOD, "previous");
	assert_only("version", "pending", "", FINDING_WARNING, "empty");
	world_clear(&world);
}

static void status_of_a_pending_label_on_the_current_version_is_quiet(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_PENDING, NULL);
	look(inspect_status, &world);
	assert_int_equal(count("version", "pending", NULL), 0);
	drop_label(&world, STAGE_PENDING);
	look(inspect_status, &world);
	assert_int_equal(count("version", "pending", NULL), 0);
	world_clear(&world);
}

static void status_of_a_pending_version_that_cannot_be_read_says_why(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, world.token, STAGE_PENDING, "no JSON");
	look(inspect_status, &world);
	assert_only("version", "pending", "", FINDING_BAD, "wrong");
	found.count = 0;
	world_reset_counts(&world);
	world.fail_at = 4; /* labels, current, previous; then the pending version */
	inspect_status(&world.rotation, &found);
	assert_only("version", "pending", "", FINDING_BAD, "unreachable");
	world_clear(&world);
}

static struct status describe_with_a_schedule(struct secret_store *store, const char *id,
					      struct secret_labels *ret)
{
	TRY(fake_ops->describe(store, id, ret));
	free(ret->schedule);
	ret->schedule = strdup("rate(4 hours)");
	return OK;
}

static void status_tells_the_schedule_if_there_is_one(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	world_secret(&world, APPLICATION_SECRET)->function = "arn:function";
	look(inspect_status, &world);
	assert_string_equal(only("secret", NULL, NULL)->detail, "no schedule, by arn:function");
	change_store(&world);
	changed_ops.describe = describe_with_a_schedule;
	look(inspect_status, &world);
	assert_string_equal(only("secret", NULL, NULL)->detail, "rate(4 hours), by arn:function");
	world_clear(&world);
}

static void status_of_a_proxy_secret_that_cannot_be_used_says_why(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	look(inspect_status, &world);
	assert_int_equal(count("copy", "proxy_secret_ids", NULL), 0);
	world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT, "no JSON");
	look(inspect_status, &world);
	assert_only("copy", PROXY_SECRET_CLONE, "", FINDING_BAD, "wrong");
	assert_only("copy", PROXY_SECRET_BASE, "app", FINDING_GOOD, "in sync");
	/* Whose is whose cannot be said while one of them is unknown. */
	assert_int_equal(count("copy", "proxy_secret_ids", NULL), 0);
	world_secret(&world, PROXY_SECRET_CLONE)->id = "gone";
	look(inspect_check, &world);
	assert_only("copy", PROXY_SECRET_CLONE, "", FINDING_BAD, "missing");
	assert_only("permission", PROXY_SECRET_CLONE, "", FINDING_BAD, "missing");
	assert_only("permission", PROXY_SECRET_BASE, "", FINDING_GOOD, "may write");
	world_clear(&world);
}

static void status_of_two_proxy_secrets_for_one_user_says_so(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT,
		  "{\"username\":\"app\",\"password\":\"active-password\"}");
	look(inspect_status, &world);
	assert_only("copy", "proxy_secret_ids", "", FINDING_BAD, "wrong");
	assert_non_null(strstr(only("copy", "proxy_secret_ids", NULL)->detail, "both for 'app'"));
	world_clear(&world);
}

/* Without AWSPREVIOUS the inactive user's password is his proxy secret's, whichever of them that is. */
static void status_takes_a_users_password_from_his_proxy_secret(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	drop_label(&world, STAGE_PREVIOUS);
	look(inspect_status, &world);
	assert_only("login", NULL, "app-clone", FINDING_GOOD, "works");
	world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT, "no JSON");
	look(inspect_status, &world);
	assert_only("login", NULL, "app-clone", FINDING_BAD, "unknown");
	world_clear(&world);

	make_quiet(&world, WORLD_PROXIES_TOO);
	drop_label(&world, STAGE_PREVIOUS);
	world_put(&world, APPLICATION_SECRET, "version-2", STAGE_CURRENT,
		  "{\"engine\":\"fake\",\"host\":\"db.example\",\"username\":\"app-clone\","
		  "\"password\":\"inactive-password\",\"rotation_usernames\":[\"app\","
		  "\"app-clone\"],\"proxy_secret_ids\":[\"" PROXY_SECRET_CLONE
		  "\",\"" PROXY_SECRET_BASE "\"]}");
	look(inspect_status, &world);
	assert_only("login", NULL, "app", FINDING_GOOD, "works");
	world_clear(&world);
}

static void status_of_a_password_nobody_wrote_down_says_who_can_set_one(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	drop_label(&world, STAGE_PREVIOUS);
	look(inspect_status, &world);
	assert_only("login", NULL, "app-clone", FINDING_BAD, "unknown");
	assert_int_equal(world.logins, 1);
	world_clear(&world);
	make_quiet(&world, WORLD_ADMIN | WORLD_CLONE_MISSING);
	look(inspect_status, &world);
	assert_only("login", NULL, "app-clone", FINDING_WARNING, "unknown");
	world_clear(&world);
}

static void status_tries_the_pending_password_for_its_own_user_only(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	look(inspect_status, &world);
	assert_int_equal(world.logins, 3); /* app's; the clone's last one, the pending one */
	assert_only("login", NULL, "app-clone", FINDING_GOOD, "works");
	snprintf(world_user(&world, "app-clone")->password, 20, "by-hand");
	look(inspect_status, &world);
	assert_only("login", NULL, "app-clone", FINDING_BAD, "refused");
	snprintf(world_user(&world, "app")->password, 20, "by-hand");
	look(inspect_status, &world);
	assert_int_equal(world.logins, 3);
	assert_int_equal(world_user(&world, "app")->wrong_tries, 1);
	world_clear(&world);
}

/* A password goes to the database it was kept for; as in setSecret. */
static void status_sends_no_password_that_was_kept_for_another_host(void **state)
{
	static const char elsewhere[] = "{\"host\":\"other.example\",\"username\":\"app-clone\","
					"\"password\":\"inactive-password\"}";
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS, elsewhere);
	look(inspect_status, &world);
	assert_only("login", NULL, "app", FINDING_GOOD, "works");
	assert_only("login", NULL, "app-clone", FINDING_BAD, "wrong");
	assert_non_null(strstr(only("login", NULL, "app-clone")->detail,
			       "the previous version is for other.example"));
	assert_int_equal(world.logins, 1);
	world_clear(&world);

	make_quiet(&world, WORLD_PROXIES_TOO);
	world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT, elsewhere);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		  "{\"engine\":\"fake\",\"host\":\"db.example\",\"username\":\"app\","
		  "\"password\":\"active-password\",\"rotation_usernames\":[\"app\","
		  "\"app-clone\"],\"proxy_secret_ids\":[\"" PROXY_SECRET_CLONE "\"]}");
	look(inspect_status, &world);
	assert_only("login", NULL, "app-clone", FINDING_BAD, "wrong");
	assert_non_null(strstr(only("login", NULL, "app-clone")->detail,
			       "its proxy secret is for other.example"));
	assert_int_equal(world.logins, 1);
	world_clear(&world);
}

/* The proxy itself is asked, whatever the database says; but not with what its secret keeps. */
static void status_of_a_proxy_that_knows_nobody_yet_says_so(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	world.proxy_lag = 1000;
	look(inspect_status, &world);
	assert_only("login", NULL, "app-clone", FINDING_GOOD, "works");
	assert_only("proxy login", NULL, "app", FINDING_BAD, "refused");
	assert_only("proxy login", NULL, "app-clone", FINDING_GOOD, "not tried");
	world_begin_rotation(&world, "token-of-the-rotation-looked-at-001");
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	look(inspect_status, &world);
	assert_only("proxy login", NULL, "app-clone", FINDING_BAD, "refused");
	world.proxy_lag = 0;
	look(inspect_status, &world);
	assert_only("proxy login", NULL, "app-clone", FINDING_GOOD, "works");
	world_clear(&world);
}

static void status_looks_at_as_many_proxy_secrets_as_there_may_be(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	drop_label(&world, STAGE_PREVIOUS);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		  "{\"engine\":\"fake\",\"host\":\"db.example\",\"username\":\"app\","
		  "\"password\":\"active-password\",\"rotation_usernames\":[\"app\","
		  "\"app-clone\"],\"proxy_secret_ids\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\","
		  "\"7\",\"8\"]}");
	look(inspect_status, &world);
	assert_int_equal(count("copy", NULL, NULL), 8);
	assert_only("copy", "8", "", FINDING_BAD, "missing");
	assert_only("login", NULL, "app-clone", FINDING_BAD, "unknown");
	world_clear(&world);
}

/* An admin mends a wrong password of the inactive user, but neither the network nor nobody. */
static void status_of_a_refused_inactive_user_is_a_warning_where_an_admin_mends_it(void **state)
{
	struct world world;

	(void)state;
	for (unsigned shape = WORLD_PLAIN; shape <= WORLD_ADMIN; shape++) {
		make_quiet(&world, shape);
		snprintf(world_user(&world, "app-clone")->password, 20, "by-hand");
		look(inspect_status, &world);
		assert_only("login", NULL, "app-clone",
			    shape == WORLD_ADMIN ? FINDING_WARNING : FINDING_BAD, "refused");
		found.count = 0;
		world_reset_counts(&world);
		world.fail_at = 5; /* labels, current, previous, the active user's login */
		inspect_status(&world.rotation, &found);
		assert_only("login", NULL, "app-clone", FINDING_BAD, "unreachable");
		world_clear(&world);
	}
}

static void status_of_plaintext_is_a_warning(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	look(inspect_status, &world);
	assert_only("login", NULL, "app", FINDING_GOOD, "works");
	assert_string_equal(only("login", NULL, "app")->detail, "");
	world_put(
		&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		"{\"engine\":\"fake\",\"host\":\"db.example\",\"ssl\":false,\"username\":\"app\","
		"\"password\":\"active-password\",\"rotation_usernames\":[\"app\",\"app-clone\"]}");
	look(inspect_status, &world);
	assert_only("login", NULL, "app", FINDING_WARNING, "works");
	assert_non_null(strstr(only("login", NULL, "app")->detail, "not encrypted"));
	world_clear(&world);
}

static void status_tells_who_is_next_and_who_waits(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_ADMIN);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		  "{\"engine\":\"fake\",\"host\":\"db.example\",\"username\":\"app\","
		  "\"password\":\"active-password\",\"masterarn\":\"" ADMIN_SECRET
		  "\",\"rotation_usernames\":[\"later\",\"app\",\"app-clone\"]}");
	look(inspect_status, &world);
	assert_only("user", "app", "app", FINDING_GOOD, "active");
	assert_only("user", "app-clone", "app-clone", FINDING_GOOD, "next");
	assert_only("user", "later", "later", FINDING_GOOD, "waiting");
	assert_int_equal(count("user", NULL, NULL), 3);
	world_clear(&world);
}

/* Grants are the database's: a proxy is not asked again. */
/* Of engines that cannot prove anything: whether it is for this database the previous version says. */
static void status_takes_the_word_for_a_proxy_secret_from_the_previous_version(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO | WORLD_TWO_PASSWORDS);
	look(inspect_status, &world);
	assert_only("login", NULL, "app-clone", FINDING_GOOD, "works");

	/* It keeps another password: that of a rotation long ago. */
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
		  "{\"engine\":\"dual\",\"host\":\"db.example\",\"username\":\"app-clone\","
		  "\"password\":\"another\"}");
	look(inspect_status, &world);
	assert_int_not_equal(only("login", NULL, "app-clone")->severity, FINDING_GOOD);
	assert_non_null(strstr(only("login", NULL, "app-clone")->detail, "does not say for which"));
	drop_label(&world, STAGE_PREVIOUS);
	look(inspect_status, &world);
	assert_non_null(strstr(only("login", NULL, "app-clone")->detail, "does not say for which"));
	world_clear(&world);
}

static void status_of_one_user_says_what_a_change_does(void **state)
{
	static const struct {
		unsigned shape;
		const char *advice;
	} cases[] = {
		{WORLD_ONE_USER, "two users that take turns (\"rotation_usernames\")"},
		{WORLD_ONE_USER | WORLD_TWO_PASSWORDS, "unless it may keep the former one"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		make_quiet(&world, cases[i].shape);
		look(inspect_status, &world);
		assert_only("user", "app", "app", FINDING_WARNING, "alone");
		assert_non_null(strstr(only("user", "app", "app")->detail, cases[i].advice));
		assert_int_equal(count("user", NULL, NULL), 1);
		world_clear(&world);
	}
}

static void check_compares_grants_once(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	look(inspect_check, &world);
	assert_only("grants", "db.example:1234", "app-clone", FINDING_GOOD, "complete");
	assert_only("password", "policy", "app-clone", FINDING_GOOD, "possible");
	assert_string_equal(only("password", NULL, NULL)->detail,
			    "32 characters that fake accepts");
	world_clear(&world);
}

/* The proxy knowing the active user does not show that the database is ours. */
static void check_sends_no_admin_where_only_the_proxy_knows_the_active_user(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_ADMIN | WORLD_PROXIES_TOO);
	world_reset_counts(&world);
	found.count = 0;
	world.fail_at = 5; /* labels, current, previous, copies; then the active user's login */
	inspect_check(&world.rotation, &found);
	assert_only("login", NULL, "app", FINDING_BAD, "unreachable");
	assert_only("proxy login", NULL, "app", FINDING_GOOD, "works");
	assert_only("admin", ADMIN_SECRET, "", FINDING_WARNING, "not tried");
	world_clear(&world);
}

static void check_of_an_admin_that_does_not_work_says_why(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_ADMIN);
	snprintf(world_user(&world, "admin")->password, 20, "by-hand");
	look(inspect_check, &world);
	assert_only("admin", ADMIN_SECRET, "admin", FINDING_BAD, "refused");
	/* No host, or a user that takes turns: it is not even tried. */
	world_put(&world, ADMIN_SECRET, "admin-1", STAGE_CURRENT,
		  "{\"username\":\"admin\",\"password\":\"admin-password\"}");
	look(inspect_check, &world);
	assert_only("admin", ADMIN_SECRET, "admin", FINDING_BAD, "wrong");
	assert_int_equal(world.logins, 2);
	world_put(&world, ADMIN_SECRET, "admin-1", STAGE_CURRENT,
		  "{\"host\":\"db.example\",\"username\":\"app\",\"password\":"
		  "\"active-password\"}");
	look(inspect_check, &world);
	assert_only("admin", ADMIN_SECRET, "app", FINDING_BAD, "wrong");
	assert_int_equal(world.logins, 2);
	world_secret(&world, ADMIN_SECRET)->id = "gone";
	look(inspect_check, &world);
	assert_only("admin", ADMIN_SECRET, "", FINDING_BAD, "missing");
	world_clear(&world);
}

static struct status write_is_denied(struct secret_store *store, const char *id,
				     const struct secret_labels *labels)
{
	(void)store;
	(void)labels;
	return failure(STATUS_DENIED, "PutSecretValue of '%s' is denied", id);
}

static void check_of_a_secret_it_may_not_write_says_so(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	change_store(&world);
	changed_ops.check_write = write_is_denied;
	look(inspect_check, &world);
	assert_only("permission", APPLICATION_SECRET, "", FINDING_BAD, "refused");
	assert_only("permission", PROXY_SECRET_BASE, "", FINDING_BAD, "refused");
	world_clear(&world);
}

static struct status no_answer(struct secret_store *store, const char *const *ids, size_t count,
			       struct secret_reading *ret)
{
	(void)store;
	(void)ids;
	(void)count;
	(void)ret;
	return failure(STATUS_UNAVAILABLE, "no answer");
}

static void status_without_an_answer_about_the_copies_says_so_of_each(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	change_store(&world);
	changed_ops.get_current = no_answer;
	look(inspect_status, &world);
	assert_only("copy", PROXY_SECRET_BASE, NULL, FINDING_BAD, "unreachable");
	assert_only("copy", PROXY_SECRET_CLONE, NULL, FINDING_BAD, "unreachable");
	world_clear(&world);
}

/* The pending password is one user's: the third in the ring is not tried with it. */
static void status_sends_the_pending_password_of_its_own_user_only(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO | WORLD_RING_OF_THREE);
	world.proxy_lag = 0;
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	look(inspect_status, &world);
	assert_only("proxy login", NULL, "app", FINDING_GOOD, "works");
	assert_only("proxy login", NULL, "app-clone", FINDING_GOOD, "works");
	assert_only("proxy login", NULL, "app-third", FINDING_GOOD, "not tried");
	world_clear(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(severity_is_the_worst_of_those_that_count),
		cmocka_unit_test(every_outcome_has_a_word),
		cmocka_unit_test(status_tells_ages_at_their_limits),
		cmocka_unit_test(status_of_a_secret_without_a_current_version_ends_there),
		cmocka_unit_test(status_of_an_unusable_secret_looks_no_further),
		cmocka_unit_test(status_of_a_store_that_fails_says_where),
		cmocka_unit_test(status_reads_versions_whose_ids_are_one_character),
		cmocka_unit_test(status_of_a_pending_label_on_the_current_version_is_quiet),
		cmocka_unit_test(status_of_a_pending_version_that_cannot_be_read_says_why),
		cmocka_unit_test(status_tells_the_schedule_if_there_is_one),
		cmocka_unit_test(status_of_a_proxy_secret_that_cannot_be_used_says_why),
		cmocka_unit_test(status_of_two_proxy_secrets_for_one_user_says_so),
		cmocka_unit_test(status_takes_a_users_password_from_his_proxy_secret),
		cmocka_unit_test(status_of_a_password_nobody_wrote_down_says_who_can_set_one),
		cmocka_unit_test(status_tries_the_pending_password_for_its_own_user_only),
		cmocka_unit_test(
			status_of_a_refused_inactive_user_is_a_warning_where_an_admin_mends_it),
		cmocka_unit_test(status_sends_no_password_that_was_kept_for_another_host),
		cmocka_unit_test(status_of_a_proxy_that_knows_nobody_yet_says_so),
		cmocka_unit_test(status_looks_at_as_many_proxy_secrets_as_there_may_be),
		cmocka_unit_test(status_of_plaintext_is_a_warning),
		cmocka_unit_test(status_tells_who_is_next_and_who_waits),
		cmocka_unit_test(
			status_takes_the_word_for_a_proxy_secret_from_the_previous_version),
		cmocka_unit_test(status_of_one_user_says_what_a_change_does),
		cmocka_unit_test(check_compares_grants_once),
		cmocka_unit_test(check_sends_no_admin_where_only_the_proxy_knows_the_active_user),
		cmocka_unit_test(check_of_an_admin_that_does_not_work_says_why),
		cmocka_unit_test(check_of_a_secret_it_may_not_write_says_so),
		cmocka_unit_test(status_without_an_answer_about_the_copies_says_so_of_each),
		cmocka_unit_test(status_sends_the_pending_password_of_its_own_user_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
