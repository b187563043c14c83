/*
 * The end of a former password: whose turn is over may keep nothing from before it, and what prevents
 * that is told, but does not make a rotation fail that is over. Where it is ended: placement_test.c.
 */
#include "test.h"

#include "fakes/world.h"

#include <stdio.h>

#define STILL_WORKS "the password from before its last turn still works"

/* finishSecret comes next; 'app' has a password from before its last turn. */
static void begin(struct world *world, unsigned shape)
{
	struct fake_user *app;

	world_make(world, WORLD_TWO_PASSWORDS | shape);
	for (enum step step = 0; step < STEP_FINISH; step++)
		assert_ok(step_run(step, &world->rotation));
	app = world_user(world, "app");
	snprintf(app->former, sizeof(app->former), "of-its-turn-before");
	world_reset_counts(world);
}

static void assert_is_over(const struct world *world)
{
	assert_string_equal(world->report.outcome, "promoted the new version");
	assert_string_equal(world->breach, "");
}

static void assert_told(const struct world *world, const char *why)
{
	assert_int_equal(world->report.note_count, 1);
	assert_non_null(strstr(world->report.notes[0], STILL_WORKS));
	assert_non_null(strstr(world->report.notes[0], why));
}

/* finishSecret, in which the first call of this name after the label has moved fails. */
static void finish_failing(struct world *world, const char *call, enum world_failure failure,
			   enum status_code answer)
{
	for (int n = 1;; n++) {
		begin(world, WORLD_PLAIN);
		world->fail_at = n;
		world->failure = failure;
		world->answer = answer;
		if (step_run(STEP_FINISH, &world->rotation).code == STATUS_OK) {
			assert_true(world->calls >= n);
			if (strcmp(world->failed_call, call) == 0)
				return;
		}
		world_clear(world);
	}
}

static void finish_ends_the_former_password_of_the_user_before(void **state)
{
	struct world world;

	(void)state;
	begin(&world, WORLD_PLAIN);
	assert_ok(step_run(STEP_FINISH, &world.rotation));
	assert_is_over(&world);
	assert_string_equal(world_user(&world, "app")->former, "");
	assert_string_not_equal(world_user(&world, "app-clone")->former, "");
	assert_int_equal(world.report.note_count, 0);
	world_clear(&world);
}

static void finish_that_cannot_promote_ends_nothing(void **state)
{
	struct world world;

	(void)state;
	begin(&world, WORLD_PLAIN);
	world_version(&world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
	assert_failed(step_run(STEP_FINISH, &world.rotation), STATUS_CONFLICT, "");
	assert_string_not_equal(world_user(&world, "app")->former, "");
	world_clear(&world);
}

static void finish_that_cannot_read_the_previous_version_tells(void **state)
{
	struct world world;

	(void)state;
	finish_failing(&world, "get previous", FAIL_BEFORE, STATUS_UNAVAILABLE);
	assert_is_over(&world);
	assert_told(&world, "app/database fails here");
	assert_string_not_equal(world_user(&world, "app")->former, "");
	world_clear(&world);
}

/* Whoever it was put back for: it is not the version whose turn has just ended. */
static void replace_the_previous(struct world *world)
{
	if (world_version(world, APPLICATION_SECRET, STAGE_PREVIOUS) == NULL)
		return;
	world_put(world, APPLICATION_SECRET, "version-of-before", STAGE_PREVIOUS,
		  "{\"engine\": \"dual\", \"host\": \"db.example\", \"username\": \"app\", "
		  "\"password\": \"active-password\"}");
}

static void finish_that_reads_another_previous_version_tells(void **state)
{
	struct world world;
	int at;

	(void)state;
	finish_failing(&world, "get previous", FAIL_BEFORE, STATUS_UNAVAILABLE);
	at = world.fail_at;
	world_clear(&world);
	begin(&world, WORLD_PLAIN);
	world.intrude_at = at;
	world.intrude = replace_the_previous;
	assert_ok(step_run(STEP_FINISH, &world.rotation));
	assert_is_over(&world);
	assert_told(&world, "its version cannot be read yet");
	assert_string_not_equal(world_user(&world, "app")->former, "");
	world_clear(&world);
}

static void finish_that_is_refused_by_the_database_tells(void **state)
{
	static const enum world_failure failures[] = {FAIL_BEFORE, FAIL_SILENT};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world world;

		finish_failing(&world, "drop_former", failures[i], STATUS_UNAVAILABLE);
		assert_is_over(&world);
		assert_told(&world, "db.example fails here");
		assert_string_not_equal(world_user(&world, "app")->former, "");
		world_clear(&world);
	}
}

/* Whoever may not end one could not keep one: without an admin there is none. */
static void admin_ends_what_the_user_may_not(void **state)
{
	static const unsigned shapes[] = {WORLD_PLAIN, WORLD_ADMIN};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world world;

		begin(&world, shapes[i]);
		world.keeps_nothing = true;
		assert_ok(step_run(STEP_FINISH, &world.rotation));
		assert_is_over(&world);
		assert_int_equal(world_user(&world, "app")->former[0] == '\0',
				 shapes[i] == WORLD_ADMIN);
		assert_int_equal(world.report.note_count, 0);
		world_clear(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finish_ends_the_former_password_of_the_user_before),
		cmocka_unit_test(finish_that_cannot_promote_ends_nothing),
		cmocka_unit_test(finish_that_cannot_read_the_previous_version_tells),
		cmocka_unit_test(finish_that_reads_another_previous_version_tells),
		cmocka_unit_test(finish_that_is_refused_by_the_database_tells),
		cmocka_unit_test(admin_ends_what_the_user_may_not),
	};

	return cmocka_run_group_tests_name("former", tests, NULL, NULL);
}
