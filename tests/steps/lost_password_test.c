/*
 * The inactive user's password stands where no label points any more: after an edit by hand, after a
 * rotation that was given up, after two rotations at once. setSecret finds it in an older version.
 */
#include "test.h"

#include "fakes/world.h"

#include <stdio.h>

static struct status run_all(struct world *world)
{
	for (enum step step = 0; step < STEP_COUNT; step++)
		TRY(step_run(step, &world->rotation));
	return OK;
}

static void drop_label(struct world *world, enum stage stage)
{
	world_version(world, APPLICATION_SECRET, stage)->labels[stage] = false;
}

/* AWSPREVIOUS is then the active user's: the version before it has lost its label. */
static void rotation_after_an_edit_by_hand_finds_the_password(void **state)
{
	struct world world;
	char edited[600];

	(void)state;
	world_make(&world, WORLD_PLAIN);
	snprintf(edited, sizeof(edited), "%s ",
		 world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->value);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_PREVIOUS, NULL);
	world_put(&world, APPLICATION_SECRET, "version-2", STAGE_CURRENT, edited);
	assert_ok(run_all(&world));
	world_assert_invariants(&world, "app-clone", true);
	assert_string_equal(world.report.outcome, "promoted the new version");
	world_clear(&world);
}

static void rotation_after_one_that_was_given_up_finds_the_password(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	drop_label(&world, STAGE_PENDING);
	world_begin_rotation(&world, "token-0000000000000000000000000002");
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	assert_string_equal(world.report.outcome,
			    "changed the password, found in an older version");
	/* The last, the pending one, the one that was found: each once. */
	assert_int_equal(world.logins, 3);
	assert_ok(test_secret(&world.rotation));
	assert_ok(finish_secret(&world.rotation));
	world_reset_counts(&world);
	world_assert_invariants(&world, "app-clone", true);
	world_clear(&world);
}

static void set_secret_with_a_stranger_in_older_versions_tries_none_of_theirs(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
		  "{\"username\": \"admin\", \"password\": \"admin-password\"}");
	assert_ok(create_secret(&world.rotation));
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "its last one is not known");
	assert_int_equal(world.logins, 1);
	world_clear(&world);
}

static void set_secret_tries_three_older_passwords_and_no_more(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	for (int i = 2; i < 6; i++) {
		char id[32], value[100];

		snprintf(id, sizeof(id), "version-%d", i);
		snprintf(value, sizeof(value),
			 "{\"username\":\"app-clone\",\"password\":\"old-%d\"}", i);
		world_put(&world, APPLICATION_SECRET, id, STAGE_PREVIOUS, value);
	}
	snprintf(world_user(&world, "app-clone")->password, 20, "by-hand");
	assert_ok(create_secret(&world.rotation));
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "was refused at db.example");
	/* The last, the pending one, the three newest of the four others. */
	assert_int_equal(world.logins, 5);
	world_clear(&world);
}

/* An edit by hand after createSecret: the newest older version is the one that never was set. */
static void rotation_after_an_edit_between_two_steps_finds_the_password_behind_it(void **state)
{
	struct world world;
	char edited[600];

	(void)state;
	world_make(&world, WORLD_PLAIN);
	assert_ok(create_secret(&world.rotation));
	snprintf(edited, sizeof(edited), "%s ",
		 world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->value);
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_PREVIOUS, NULL);
	world_put(&world, APPLICATION_SECRET, "version-2", STAGE_CURRENT, edited);
	drop_label(&world, STAGE_PENDING);
	world_begin_rotation(&world, "token-0000000000000000000000000002");
	assert_ok(create_secret(&world.rotation));
	assert_ok(set_secret(&world.rotation));
	/* The pending one, the one that was given up, the right one. */
	assert_int_equal(world.logins, 3);
	assert_ok(test_secret(&world.rotation));
	assert_ok(finish_secret(&world.rotation));
	world_reset_counts(&world);
	world_assert_invariants(&world, "app-clone", true);
	world_clear(&world);
}

static struct status find_is_denied(struct secret_store *store, const char *id,
				    bool (*wanted)(const struct secret_version *, void *context),
				    void *context, struct secret_version *ret)
{
	(void)store;
	(void)wanted;
	(void)context;
	(void)ret;
	return failure(STATUS_DENIED, "ListSecretVersionIds of '%s' is denied", id);
}

/* The permission is optional: without it the message is the one about the password. */
static void set_secret_that_may_not_list_versions_says_what_is_wrong(void **state)
{
	struct secret_store_ops ops;
	struct world world;

	(void)state;
	world_make(&world, WORLD_PLAIN);
	ops = *world.rotation.store->ops;
	ops.find = find_is_denied;
	world.rotation.store->ops = &ops;
	snprintf(world_user(&world, "app-clone")->password, 20, "by-hand");
	assert_ok(create_secret(&world.rotation));
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "was refused at db.example");
	world_clear(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rotation_after_an_edit_by_hand_finds_the_password),
		cmocka_unit_test(rotation_after_one_that_was_given_up_finds_the_password),
		cmocka_unit_test(set_secret_with_a_stranger_in_older_versions_tries_none_of_theirs),
		cmocka_unit_test(set_secret_tries_three_older_passwords_and_no_more),
		cmocka_unit_test(
			rotation_after_an_edit_between_two_steps_finds_the_password_behind_it),
		cmocka_unit_test(set_secret_that_may_not_list_versions_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
