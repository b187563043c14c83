/* status and check on a world in memory: they find what is wrong, and change nothing. */
#include "test.h"

#include "fakes/world.h"
#include "steps/inspect.h"

#include <stdio.h>
#include <time.h>

static struct inspection found;

static void look(void (*inspect)(const struct rotation *, struct inspection *), struct world *world)
{
	found.count = 0;
	inspect(&world->rotation, &found);
}

static const struct finding *find(const char *kind, const char *name, const char *user)
{
	for (size_t i = 0; i < found.count; i++)
		if (strcmp(found.findings[i].kind, kind) == 0 &&
		    (name == NULL || strcmp(found.findings[i].name, name) == 0) &&
		    (user == NULL || strcmp(found.findings[i].user, user) == 0))
			return &found.findings[i];
	return NULL;
}

#define assert_found(kind, name, user, wanted_severity, wanted_state)    \
	do {                                                             \
		const struct finding *finding_ = find(kind, name, user); \
		if (finding_ == NULL)                                    \
			fail_msg("no finding of kind %s", kind);         \
		assert_string_equal(finding_->state, wanted_state);      \
		assert_int_equal(finding_->severity, wanted_severity);   \
	} while (0)

/* The pending label of world_make() would be a rotation under way: take it away. */
static void make_quiet(struct world *world, unsigned shape)
{
	world_make(world, shape);
	world_version(world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
	world->proxy_lag = 0;
}

static void check_of_a_sound_world_finds_nothing_wrong(void **state)
{
	static const unsigned shapes[] = {WORLD_PLAIN, WORLD_ADMIN,
					  WORLD_ADMIN | WORLD_PROXIES_TOO};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world world;

		make_quiet(&world, shapes[i]);
		look(inspect_check, &world);
		for (size_t j = 0; j < found.count; j++)
			if (found.findings[j].severity == FINDING_BAD)
				fail_msg("%s %s: %s", found.findings[j].kind,
					 found.findings[j].name, found.findings[j].detail);
		assert_found("login", "db.example:1234", "app", FINDING_GOOD, "works");
		assert_found("login", "db.example:1234", "app-clone", FINDING_GOOD, "works");
		assert_found("grants", NULL, "app-clone", FINDING_GOOD, "complete");
		assert_found("permission", APPLICATION_SECRET, NULL, FINDING_GOOD, "may write");
		assert_found("user", "app", NULL, FINDING_GOOD, "active");
		assert_found("user", "app-clone", NULL, FINDING_GOOD, "next");
		if (world.has_proxies) {
			assert_found("copy", PROXY_SECRET_BASE, "app", FINDING_GOOD, "in sync");
			assert_found("proxy login", "proxy.example:6432", "app", FINDING_GOOD,
				     "works");
		}
		if (world.has_admin)
			assert_found("admin", ADMIN_SECRET, "admin", FINDING_GOOD, "works");
		assert_int_equal(world_user(&world, "app")->changes, 0);
		assert_int_equal(world_user(&world, "app-clone")->changes, 0);
		assert_null(world_version(&world, APPLICATION_SECRET, STAGE_PENDING));
		world_clear(&world);
	}
}

static void check_names_a_weaker_user(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	world_user(&world, "app-clone")->weak = true;
	look(inspect_check, &world);
	assert_found("grants", NULL, "app-clone", FINDING_BAD, "wrong");
	assert_non_null(strstr(find("grants", NULL, NULL)->detail, "missing SELECT"));
	world_clear(&world);
}

static void status_tells_a_stuck_rotation_and_how_to_clear_it(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	look(inspect_status, &world);
	assert_found("version", "pending", NULL, FINDING_WARNING, "empty");
	assert_non_null(strstr(find("version", "pending", NULL)->detail,
			       "--remove-from-version-id token-"));
	assert_ok(create_secret(&world.rotation));
	look(inspect_status, &world);
	assert_found("version", "pending", "app-clone", FINDING_WARNING, "pending");
	world_clear(&world);
}

static void status_tells_a_stale_proxy_secret(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	world_put(&world, PROXY_SECRET_BASE, "proxy-1", STAGE_CURRENT,
		  "{\"username\":\"app\",\"password\":\"forgotten\"}");
	look(inspect_status, &world);
	assert_found("copy", PROXY_SECRET_BASE, "app", FINDING_BAD, "stale");
	assert_found("proxy login", NULL, "app", FINDING_BAD, "refused");
	assert_found("copy", PROXY_SECRET_CLONE, "app-clone", FINDING_GOOD, "in sync");
	world_clear(&world);
}

static void status_tells_a_password_that_was_changed_by_hand(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	snprintf(world_user(&world, "app")->password, 20, "by-hand");
	look(inspect_status, &world);
	assert_found("login", NULL, "app", FINDING_BAD, "refused");
	assert_int_equal(inspection_severity(&found), FINDING_BAD);
	world_clear(&world);
}

/* Between setSecret and finishSecret the inactive user has the pending password: all is well. */
static void status_during_a_rotation_is_not_red(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	look(inspect_status, &world);
	assert_found("login", NULL, "app-clone", FINDING_GOOD, "works");
	assert_int_not_equal(inspection_severity(&found), FINDING_BAD);
	world_clear(&world);
}

/* setSecret has promoted the copy: it is ahead of the previous version, and that is right. */
static void status_of_a_copy_with_the_pending_password_is_in_sync(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PROXIES_TOO);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	look(inspect_status, &world);
	assert_found("copy", PROXY_SECRET_CLONE, "app-clone", FINDING_GOOD, "in sync");
	assert_string_equal(find("copy", PROXY_SECRET_CLONE, NULL)->detail,
			    "holds the pending password");
	world_clear(&world);
}

static void status_of_a_stale_copy_of_the_previous_user_is_a_warning(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	world_put(&world, PROXY_SECRET_CLONE, "proxy-2", STAGE_CURRENT,
		  "{\"username\":\"app-clone\",\"password\":\"forgotten\"}");
	look(inspect_status, &world);
	assert_found("copy", PROXY_SECRET_CLONE, "app-clone", FINDING_WARNING, "stale");
	assert_found("copy", PROXY_SECRET_BASE, "app", FINDING_GOOD, "in sync");
	world_clear(&world);
}

static void status_does_not_compare_grants(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	world_user(&world, "app-clone")->weak = true;
	look(inspect_status, &world);
	assert_null(find("grants", NULL, NULL));
	assert_null(find("permission", NULL, NULL));
	world_clear(&world);
}

static void status_of_a_cancelled_rotation_is_unscheduled(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	look(inspect_status, &world);
	assert_found("secret", APPLICATION_SECRET, NULL, FINDING_WARNING, "unscheduled");
	world_secret(&world, APPLICATION_SECRET)->function = "arn:function";
	look(inspect_status, &world);
	assert_found("secret", APPLICATION_SECRET, NULL, FINDING_GOOD, "scheduled");
	/* CancelRotateSecret leaves the function where it is. */
	world_secret(&world, APPLICATION_SECRET)->rotation_enabled = false;
	look(inspect_status, &world);
	assert_found("secret", APPLICATION_SECRET, NULL, FINDING_WARNING, "unscheduled");
	world_clear(&world);
}

static void status_tells_the_age_of_a_version(void **state)
{
	static const struct {
		int64_t seconds;
		const char *age;
	} ages[] = {
		{0, "version-1, 0 min old"},
		{50 * 60, "version-1, 50 min old"},
		{5 * 3600, "version-1, 5 h 0 min old"},
		{47 * 3600 + 59 * 60, "version-1, 47 h 59 min old"},
		{3 * 24 * 3600, "version-1, 3 days old"},
	};
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	look(inspect_status, &world);
	assert_string_equal(find("version", "current", NULL)->detail, "version-1, of unknown age");
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		/* Half a minute more, so that a slow test is still inside the same one. */
		world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->created =
			(int64_t)time(NULL) - ages[i].seconds - 30;
		look(inspect_status, &world);
		assert_string_equal(find("version", "current", NULL)->detail, ages[i].age);
	}
	world_clear(&world);
}

static void check_never_sends_the_admin_where_the_active_user_is_refused(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_ADMIN);
	snprintf(world_user(&world, "app")->password, 20, "by-hand");
	look(inspect_check, &world);
	assert_found("admin", ADMIN_SECRET, NULL, FINDING_WARNING, "not tried");
	/* An admin mends the inactive user's password, never the active one's. */
	assert_found("login", NULL, "app", FINDING_BAD, "refused");
	assert_int_equal(world.logins, 2); /* the two users, once each */
	world_clear(&world);
}

static void check_never_sends_the_admin_of_another_host(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_ADMIN);
	world_put(&world, ADMIN_SECRET, "admin-1", STAGE_CURRENT,
		  "{\"host\":\"other.example\",\"username\":\"admin\","
		  "\"password\":\"admin-password\"}");
	look(inspect_check, &world);
	assert_found("admin", ADMIN_SECRET, "admin", FINDING_BAD, "wrong");
	assert_int_equal(world.logins, 2);
	world_clear(&world);
}

static void status_of_a_missing_clone_is_a_warning_with_an_admin(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_ADMIN | WORLD_CLONE_MISSING);
	look(inspect_check, &world);
	assert_found("login", NULL, "app-clone", FINDING_WARNING, "unknown");
	assert_int_not_equal(inspection_severity(&found), FINDING_BAD);
	world_clear(&world);
}

static void status_of_an_unusable_secret_says_why(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		  "{\"username\":\"app\",\"password\":\"p\"}");
	look(inspect_status, &world);
	assert_found("plan", NULL, NULL, FINDING_BAD, "wrong");
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT, "x");
	look(inspect_status, &world);
	assert_found("version", "current", NULL, FINDING_BAD, "wrong");
	world.rotation.secret_id = "no-such-secret";
	look(inspect_status, &world);
	assert_found("secret", NULL, NULL, FINDING_BAD, "missing");
	world_clear(&world);
}

static void check_tells_a_proxy_secret_with_a_rotation_of_its_own(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	world_secret(&world, PROXY_SECRET_BASE)->rotation_enabled = true;
	look(inspect_check, &world);
	assert_found("copy", PROXY_SECRET_BASE, "", FINDING_BAD, "rotated twice");
	world_clear(&world);
}

/* A rotation describes it where an answer was lost, or an edit came in between. */
static void check_of_a_proxy_secret_it_may_not_describe_says_so(void **state)
{
	struct world world;

	(void)state;
	make_quiet(&world, WORLD_PROXIES_TOO);
	world_secret(&world, PROXY_SECRET_BASE)->describe_denied = true;
	look(inspect_check, &world);
	assert_found("permission", PROXY_SECRET_BASE, NULL, FINDING_BAD, "refused");
	assert_found("permission", PROXY_SECRET_CLONE, NULL, FINDING_GOOD, "may write");
	world_clear(&world);
}

/* What does not fit may be what is wrong. */
static void inspection_too_long_is_not_good(void **state)
{
	(void)state;
	found.count = 0;
	for (int i = 0; i < FINDINGS_MAX; i++)
		inspection_add(&found, "x", "y", NULL, FINDING_GOOD, "z", "%d", i);
	assert_int_equal(found.count, FINDINGS_MAX);
	assert_int_equal(inspection_severity(&found), FINDING_GOOD);
	for (int i = 0; i < 3; i++) {
		inspection_add(&found, "x", "y", NULL, FINDING_GOOD, "z", "%d", i);
		assert_int_equal(found.count, FINDINGS_MAX);
		assert_int_equal(inspection_severity(&found), FINDING_BAD);
	}
	assert_non_null(strstr(found.findings[FINDINGS_MAX - 1].detail, "more was found"));
	assert_string_equal(found.findings[FINDINGS_MAX - 2].detail, "158");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_of_a_sound_world_finds_nothing_wrong),
		cmocka_unit_test(check_names_a_weaker_user),
		cmocka_unit_test(status_tells_a_stuck_rotation_and_how_to_clear_it),
		cmocka_unit_test(status_tells_a_stale_proxy_secret),
		cmocka_unit_test(status_tells_a_password_that_was_changed_by_hand),
		cmocka_unit_test(status_during_a_rotation_is_not_red),
		cmocka_unit_test(status_of_a_copy_with_the_pending_password_is_in_sync),
		cmocka_unit_test(status_of_a_stale_copy_of_the_previous_user_is_a_warning),
		cmocka_unit_test(status_does_not_compare_grants),
		cmocka_unit_test(status_of_a_cancelled_rotation_is_unscheduled),
		cmocka_unit_test(status_tells_the_age_of_a_version),
		cmocka_unit_test(check_never_sends_the_admin_where_the_active_user_is_refused),
		cmocka_unit_test(check_never_sends_the_admin_of_another_host),
		cmocka_unit_test(status_of_a_missing_clone_is_a_warning_with_an_admin),
		cmocka_unit_test(status_of_an_unusable_secret_says_why),
		cmocka_unit_test(check_tells_a_proxy_secret_with_a_rotation_of_its_own),
		cmocka_unit_test(check_of_a_proxy_secret_it_may_not_describe_says_so),
		cmocka_unit_test(inspection_too_long_is_not_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
