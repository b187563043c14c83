/*
 * A secret with a single user: whose password changes when, what is put back and by whom, what is said.
 * For every failure of every call see torture_test.c; for what several do at once, tests/model/single.pml.
 */
#include "test.h"

#include "fakes/world.h"

#include <stdio.h>

#define SECOND_TOKEN "token-0000000000000000000000000002"
#define PASSWORD_MAX sizeof((struct fake_user){0}.password)

static struct status run(struct world *world, enum step step)
{
	struct status status;

	world_reset_counts(world);
	world_warm(world, false);
	status = step_run(step, &world->rotation);
	if (step == STEP_TEST)
		world->proven = world->report.proven;
	return status;
}

static void run_until(struct world *world, enum step last)
{
	for (enum step step = 0; step <= last; step++)
		assert_ok(run(world, step));
}

/* In the process of the last testSecret. */
static struct status finish_warm(struct world *world)
{
	world_reset_counts(world);
	world->rotation.proven = &world->proven;
	return step_run(STEP_FINISH, &world->rotation);
}

/* The worlds write "password" without an escape in it, and no generated one needs one. */
static void read_password(struct world *world, enum stage stage, char ret[PASSWORD_MAX])
{
	static const char key[] = "\"password\": \"";
	const char *at = strstr(world_version(world, APPLICATION_SECRET, stage)->value, key);

	assert_non_null(at);
	at += strlen(key);
	snprintf(ret, PASSWORD_MAX, "%.*s", (int)strcspn(at, "\""), at);
}

/* The database's password, set by nobody's step. */
static void give(struct world *world, enum stage stage)
{
	struct fake_user *user = world_user(world, "app");
	char password[PASSWORD_MAX];

	read_password(world, stage, password);
	snprintf(user->password, sizeof(user->password), "%s", password);
}

static bool accepts(struct world *world, enum stage stage)
{
	const struct fake_user *user = world_user(world, "app");
	char password[PASSWORD_MAX];

	read_password(world, stage, password);
	return strcmp(user->password, password) == 0 ||
	       (user->former[0] != '\0' && strcmp(user->former, password) == 0);
}

static bool is_finished(struct world *world)
{
	return strcmp(world_version(world, APPLICATION_SECRET, STAGE_CURRENT)->id, world->token) ==
	       0;
}

static bool says(const struct world *world, const char *part)
{
	for (size_t i = 0; i < world->report.note_count; i++)
		if (strstr(world->report.notes[i], part) != NULL)
			return true;
	return false;
}

static void make_half_done(struct world *world, unsigned shape)
{
	world_make(world, WORLD_ONE_USER | shape);
	assert_ok(run(world, STEP_CREATE));
	give(world, STAGE_PENDING);
}

static void may_keep_nothing(struct world *world)
{
	world_make(world, WORLD_ONE_USER | WORLD_TWO_PASSWORDS);
	world->keeps_nothing = true;
	run_until(world, STEP_CREATE);
}

/* Which call of the step it is, undisturbed; the calls before it, and it, have failed then. */
static int find_call(struct world *world, enum step step, const char *call)
{
	for (int n = 1;; n++) {
		world_reset_counts(world);
		world_warm(world, false);
		world->fail_at = n;
		world->failure = FAIL_BEFORE;
		world->answer = STATUS_INTERNAL;
		world->failed_call[0] = '\0';
		(void)step_run(step, &world->rotation).code;
		world->fail_at = 0;
		assert_true(world->calls >= n);
		if (strcmp(world->failed_call, call) == 0)
			return n;
	}
}

/* The step, with its n-th call failing. */
static struct status run_failing(struct world *world, enum step step, int n,
				 enum world_failure failure, enum status_code answer)
{
	struct status status;

	world_reset_counts(world);
	world_warm(world, false);
	world->fail_at = n;
	world->failure = failure;
	world->answer = answer;
	status = step_run(step, &world->rotation);
	world->fail_at = 0;
	return status;
}

static void set_leaves_the_change_to_finish(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_SET);
	assert_string_equal(world.report.outcome, "left to finishSecret");
	assert_int_equal(world_user(&world, "app")->changes, 0);
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_false(accepts(&world, STAGE_PENDING));
	world_clear(&world);
}

static void set_with_two_passwords_adds_one(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | WORLD_TWO_PASSWORDS);
	run_until(&world, STEP_SET);
	assert_string_equal(world.report.outcome, "added the password");
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_true(accepts(&world, STAGE_PENDING));
	world_clear(&world);
}

/* A rotation given up has left its password; the current one is the one that is kept. */
static void set_beside_a_kept_password_keeps_it(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | WORLD_TWO_PASSWORDS);
	run_until(&world, STEP_SET);
	world_begin_rotation(&world, SECOND_TOKEN);
	run_until(&world, STEP_SET);
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_true(accepts(&world, STAGE_PENDING));
	world_clear(&world);
}

static void set_that_may_not_keep_two_says_so(void **state)
{
	struct world world;

	(void)state;
	may_keep_nothing(&world);
	assert_ok(run(&world, STEP_SET));
	assert_string_equal(world.report.outcome, "left to finishSecret");
	assert_true(says(&world, "will be refused for a moment when the password of 'app'"));
	assert_int_equal(world_user(&world, "app")->changes, 0);
	world_clear(&world);
}

static void set_again_after_it_was_set_changes_nothing(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | WORLD_TWO_PASSWORDS);
	run_until(&world, STEP_SET);
	assert_ok(run(&world, STEP_SET));
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_true(accepts(&world, STAGE_PENDING));
	world_clear(&world);
}

static void test_of_one_password_logs_in_with_the_current_one(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_TEST);
	assert_true(world.report.proven.one_user);
	assert_true(world.report.proven.deferred);
	assert_int_equal(world_user(&world, "app")->wrong_tries, 0);
	assert_non_null(strstr(world.report.outcome, "finishSecret will change it"));
	world_clear(&world);
}

static void test_of_two_passwords_logs_in_with_both(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | WORLD_TWO_PASSWORDS);
	run_until(&world, STEP_TEST);
	assert_true(world.report.proven.one_user);
	assert_false(world.report.proven.deferred);
	assert_string_equal(world.report.outcome, "logged in");
	assert_int_equal(world.logins, 2);
	world_clear(&world);
}

static void test_where_two_are_not_allowed_defers(void **state)
{
	struct world world;

	(void)state;
	may_keep_nothing(&world);
	assert_ok(run(&world, STEP_SET));
	assert_ok(run(&world, STEP_TEST));
	assert_true(world.proven.deferred);
	assert_int_equal(world_user(&world, "app")->wrong_tries, 1);
	world_clear(&world);
}

/* What holds before each call of a step. */
static struct moment {
	bool current, pending, locked, finished;
} moments[64];

static void note_moment(struct world *world)
{
	assert_in_range(world->calls, 1, sizeof(moments) / sizeof(moments[0]) - 1);
	moments[world->calls] = (struct moment){
		.current = accepts(world, STAGE_CURRENT),
		.pending = accepts(world, STAGE_PENDING),
		.locked = world_user(world, "app")->locked_by != NULL,
		.finished = is_finished(world),
	};
	world->intrude_at = world->calls + 1;
}

/* Before the change, between it and the label's move: locked, and no longer than two calls. */
static void finish_changes_proves_and_promotes_under_the_lock(void **state)
{
	struct world world;
	int refused = 0;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_TEST);
	world_reset_counts(&world);
	world.rotation.proven = &world.proven;
	world.intrude_at = 1;
	world.intrude = note_moment;
	assert_ok(step_run(STEP_FINISH, &world.rotation));
	assert_string_equal(world.report.outcome, "changed and promoted");
	assert_string_equal(world.report.user, "app");
	assert_int_equal(world_user(&world, "app")->wrong_tries, 0);
	for (int n = 1; n <= world.calls; n++) {
		assert_false(moments[n].finished);
		assert_true(moments[n].current || (moments[n].pending && moments[n].locked));
		refused += !moments[n].current;
	}
	assert_int_equal(refused, 2);
	assert_true(is_finished(&world));
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_string_equal(world.breach, "");
	world_clear(&world);
}

static void finish_of_two_passwords_promotes_under_the_lock(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | WORLD_TWO_PASSWORDS);
	run_until(&world, STEP_TEST);
	world_reset_counts(&world);
	world.rotation.proven = &world.proven;
	world.intrude_at = 1;
	world.intrude = note_moment;
	assert_ok(step_run(STEP_FINISH, &world.rotation));
	assert_string_equal(world.report.outcome, "promoted the new version");
	assert_true(moments[world.calls].locked);
	assert_int_equal(world_user(&world, "app")->changes, 0);
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_true(accepts(&world, STAGE_PREVIOUS));
	world_clear(&world);
}

/* Whether the pending password works is not known then, so it is not set once more: that could fail. */
static void finish_of_two_passwords_changes_nothing_when_a_call_fails(void **state)
{
	int logins = 0;

	(void)state;
	for (int n = 1;; n++) {
		struct world world;
		struct status status;

		world_make(&world, WORLD_ONE_USER | WORLD_TWO_PASSWORDS);
		run_until(&world, STEP_TEST);
		status = run_failing(&world, STEP_FINISH, n, FAIL_BEFORE, STATUS_UNAVAILABLE);
		assert_int_equal(world_user(&world, "app")->changes, 0);
		if (world.calls < n) {
			world_clear(&world);
			break;
		}
		assert_failed(status, STATUS_UNAVAILABLE, "");
		assert_false(is_finished(&world));
		logins += strstr(status.detail, "logging in as 'app' with the pending password") !=
			  NULL;
		world_clear(&world);
	}
	assert_int_equal(logins, 2); /* testSecret's, and that of the change */
}

/* For the change, its proof and the label, and to take it back after that. */
#define ENOUGH_MS (5000 + 4000)

static void finish_with_too_little_time_changes_nothing(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_TEST);
	world_reset_counts(&world);
	world.rotation.proven = &world.proven;
	world.rotation.deadline = deadline_in(world.rotation.deadline.clock, ENOUGH_MS - 1);
	assert_failed(step_run(STEP_FINISH, &world.rotation), STATUS_UNAVAILABLE,
		      "too little time is left to change the password of 'app'");
	assert_int_equal(world_user(&world, "app")->changes, 0);
	world.rotation.deadline = deadline_in(world.rotation.deadline.clock, ENOUGH_MS);
	assert_ok(step_run(STEP_FINISH, &world.rotation));
	assert_string_equal(world.report.outcome, "changed and promoted");
	world_clear(&world);
}

/* What is said where the database may be ahead of the label and nobody has put that right. */
#define RUN_AGAIN "run any step again at once"

static void finish_that_cannot_promote_puts_back(void **state)
{
	struct world world;
	int n;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_TEST);
	n = find_call(&world, STEP_FINISH, "promote");
	assert_failed(run_failing(&world, STEP_FINISH, n, FAIL_BEFORE, STATUS_UNAVAILABLE),
		      STATUS_UNAVAILABLE, "promoting the new version");
	assert_true(says(&world, "the current password was put back"));
	assert_false(says(&world, RUN_AGAIN));
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_false(is_finished(&world));
	assert_ok(run(&world, STEP_FINISH));
	assert_true(accepts(&world, STAGE_CURRENT));
	world_clear(&world);
}

static void fail_this_call(struct world *world)
{
	world->fail_at = world->calls;
}

static void refuse_this_call(struct world *world)
{
	world->fail_at = world->calls;
	world->answer = STATUS_INVALID;
}

/* finishSecret comes next; so many calls after this one somebody else does something. Its number. */
static int begin_finish_beside(struct world *world, const char *call, int after,
			       void (*intrude)(struct world *))
{
	int n;

	world_make(world, WORLD_ONE_USER);
	run_until(world, STEP_TEST);
	n = find_call(world, STEP_FINISH, call);
	world_clear(world);
	world_make(world, WORLD_ONE_USER);
	run_until(world, STEP_TEST);
	world_reset_counts(world);
	world_warm(world, false);
	world->intrude_at = n + after;
	world->intrude = intrude;
	return n;
}

/* finishSecret, whose label does not move, and then one of the calls that would mend that fails. */
static void finish_and_fail_to_mend(struct world *world, int nth, void (*intrude)(struct world *))
{
	world->fail_at = begin_finish_beside(world, "promote", nth, intrude);
	world->failure = FAIL_BEFORE;
	world->answer = STATUS_UNAVAILABLE;
	assert_failed(step_run(STEP_FINISH, &world->rotation), STATUS_UNAVAILABLE,
		      "promoting the new version");
	world->fail_at = world->intrude_at = 0;
	assert_true(says(world, RUN_AGAIN));
	assert_null(strstr(world->report.outcome, "promoted"));
	assert_false(accepts(world, STAGE_CURRENT));
	assert_true(accepts(world, STAGE_PENDING));
}

/* Then the label may have moved all the same: nothing is put back blindly. */
static void finish_that_cannot_look_whether_it_promoted_says_what_to_do(void **state)
{
	struct world world;

	(void)state;
	finish_and_fail_to_mend(&world, 1, fail_this_call);
	assert_string_equal(world.failed_call, "describe");
	assert_int_equal(world_user(&world, "app")->changes, 1);
	assert_ok(run(&world, STEP_CREATE));
	assert_true(accepts(&world, STAGE_CURRENT));
	world_clear(&world);
}

static void finish_that_cannot_put_back_says_what_to_do(void **state)
{
	struct world world;

	(void)state;
	/* A look, two logins, the lock, and then: unknown. */
	finish_and_fail_to_mend(&world, 5, fail_this_call);
	assert_string_equal(world.failed_call, "set_password");
	assert_false(says(&world, "cannot be put back"));
	assert_ok(run(&world, STEP_FINISH));
	assert_true(accepts(&world, STAGE_CURRENT));
	world_clear(&world);
	finish_and_fail_to_mend(&world, 5, refuse_this_call);
	assert_string_equal(world.failed_call, "set_password");
	assert_true(says(&world, "cannot be put back"));
	assert_ok(run(&world, STEP_FINISH));
	assert_true(accepts(&world, STAGE_CURRENT));
	world_clear(&world);
}

/* Some of the time is kept for that, whatever the call that fails takes. */
static void finish_whose_label_is_waited_for_too_long_has_time_to_put_back(void **state)
{
	struct world world;
	int n;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_TEST);
	n = find_call(&world, STEP_FINISH, "promote");
	assert_failed(run_failing(&world, STEP_FINISH, n, FAIL_SILENT, STATUS_UNAVAILABLE),
		      STATUS_UNAVAILABLE, "promoting the new version");
	assert_true(says(&world, "the current password was put back"));
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_true(deadline_left(world.rotation.deadline) > 0);
	world_clear(&world);
}

static void finish_whose_answer_is_lost_is_finished(void **state)
{
	struct world world;
	int n;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_TEST);
	n = find_call(&world, STEP_FINISH, "promote");
	assert_ok(run_failing(&world, STEP_FINISH, n, FAIL_AFTER, STATUS_UNAVAILABLE));
	assert_true(is_finished(&world));
	assert_true(accepts(&world, STAGE_CURRENT));
	world_clear(&world);
}

static void any_step_after_a_change_half_done_puts_back(void **state)
{
	static const unsigned shapes[] = {WORLD_PLAIN, WORLD_ADMIN, WORLD_TWO_PASSWORDS};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (enum step step = 0; step < STEP_FINISH; step++) {
			struct world world;

			make_half_done(&world, shapes[i]);
			world.keeps_nothing = true;
			assert_false(accepts(&world, STAGE_CURRENT));
			assert_ok(run(&world, step));
			assert_true(accepts(&world, STAGE_CURRENT));
			assert_true(says(&world, "an earlier try had changed the password"));
			assert_false(says(&world, "cannot be put back"));
			assert_string_equal(world.breach, "");
			world_clear(&world);
		}
}

/* An engine that takes no password twice: where it says so, the step's set_password() or commit(). */
static void current_password_that_cannot_be_put_back_goes_forward(void **state)
{
	static const char *const calls[] = {"set_password", "commit"};
	static const char *const outcomes[] = {
		[STEP_CREATE] = "kept the password prepared before",
		[STEP_SET] = "password was changed before",
		[STEP_TEST] = "logged in",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (enum step step = 0; step < STEP_FINISH; step++) {
			struct world world;
			int n;

			make_half_done(&world, WORLD_PLAIN);
			n = find_call(&world, step, calls[i]);
			assert_false(accepts(&world, STAGE_CURRENT));
			assert_ok(run_failing(&world, step, n, FAIL_BEFORE, STATUS_INVALID));
			assert_true(says(&world, "cannot be put back"));
			assert_false(accepts(&world, STAGE_CURRENT));
			assert_string_equal(world.report.outcome, outcomes[step]);
			assert_false(world.report.proven.deferred);
			assert_ok(run(&world, STEP_FINISH));
			assert_true(accepts(&world, STAGE_CURRENT));
			world_clear(&world);
		}
}

/* The version before works, as after a label that moved late. */
static void previous_password_heals_the_current_one(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_FINISH);
	give(&world, STAGE_PREVIOUS);
	world_begin_rotation(&world, SECOND_TOKEN);
	run_until(&world, STEP_SET);
	assert_true(accepts(&world, STAGE_CURRENT));
	run_until(&world, STEP_FINISH);
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_string_equal(world.breach, "");
	world_clear(&world);
}

static void password_nobody_knows_is_denied_with_advice(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | WORLD_ADMIN);
	run_until(&world, STEP_CREATE);
	snprintf(world_user(&world, "app")->password, PASSWORD_MAX, "nobody's-password");
	for (enum step step = STEP_SET; step < STEP_COUNT; step++)
		assert_failed(run(&world, step), STATUS_DENIED,
			      "previous one: set it to the current one. The database said: 'app'");
	/* Nor is the admin told to a host that knows none of them. */
	assert_int_equal(world_user(&world, "admin")->proven[0][0], '\0');
	world_clear(&world);
}

/* A wrong password for somebody else locks his account, and does not help. */
static void previous_version_of_another_user_is_not_tried(void **state)
{
	struct world world;
	int logins;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_CREATE);
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
		  "{\"host\": \"db.example\", \"username\": \"other\", \"password\": "
		  "\"other-password\"}");
	snprintf(world_user(&world, "app")->password, PASSWORD_MAX, "nobody's-password");
	assert_failed(run(&world, STEP_SET), STATUS_DENIED, "set it to the current one");
	logins = world.logins;
	assert_int_equal(world_user(&world, "app")->wrong_tries, 2);
	world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS,
		  "{\"host\": \"db.example\", \"username\": \"app\", \"password\": "
		  "\"other-password\"}");
	assert_failed(run(&world, STEP_SET), STATUS_DENIED, "set it to the current one");
	assert_int_equal(world.logins, logins + 1);
	world_clear(&world);
}

/* As RotateSecret does where it is told to wait: testSecret alone, of the current value. */
static void test_alone_logs_in_with_the_current_password(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	world_put(&world, APPLICATION_SECRET, world.token, STAGE_PENDING,
		  world_version(&world, APPLICATION_SECRET, STAGE_CURRENT)->value);
	assert_ok(run(&world, STEP_TEST));
	assert_string_equal(world.report.outcome, "logged in everywhere");
	assert_false(world.report.proven.one_user);
	assert_int_equal(world.logins, 1);
	world_clear(&world);
}

/* Whether it would have worked is not known then. */
static void previous_password_that_cannot_be_read_is_unavailable(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_CREATE);
	snprintf(world_user(&world, "app")->password, PASSWORD_MAX, "nobody's-password");
	assert_failed(run_failing(&world, STEP_SET, find_call(&world, STEP_SET, "get previous"),
				  FAIL_BEFORE, STATUS_UNAVAILABLE),
		      STATUS_UNAVAILABLE, "trying the previous password of 'app'");
	world_clear(&world);
}

static void admin_is_told_after_the_users_own_login_only(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | WORLD_ADMIN);
	run_until(&world, STEP_CREATE);
	world_user(&world, "app")->proven[0][0] = '\0';
	assert_failed(run_failing(&world, STEP_SET, find_call(&world, STEP_SET, "open"),
				  FAIL_BEFORE, STATUS_UNAVAILABLE),
		      STATUS_UNAVAILABLE, "logging in as 'app'");
	assert_int_equal(world_user(&world, "admin")->proven[0][0], '\0');
	assert_ok(run(&world, STEP_SET));
	assert_int_not_equal(world_user(&world, "admin")->proven[0][0], '\0');
	world_clear(&world);
}

static void admin_that_is_the_user_itself_is_refused(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | WORLD_ADMIN);
	run_until(&world, STEP_CREATE);
	world_put(&world, ADMIN_SECRET, "admin-1", STAGE_CURRENT,
		  "{\"host\": \"db.example\", \"username\": \"app\", \"password\": "
		  "\"active-password\"}");
	assert_failed(run(&world, STEP_SET), STATUS_INVALID, "users that take turns");
	world_clear(&world);
}

static void admin_puts_back_what_the_user_may_not_change(void **state)
{
	struct world world;

	(void)state;
	make_half_done(&world, WORLD_ADMIN);
	world.may_not_change_itself = true;
	assert_ok(run(&world, STEP_SET));
	assert_true(accepts(&world, STAGE_CURRENT));
	assert_ok(run(&world, STEP_TEST));
	assert_ok(run(&world, STEP_FINISH));
	assert_true(is_finished(&world));
	assert_true(accepts(&world, STAGE_CURRENT));
	world_clear(&world);
}

static void take_the_label_away(struct world *world)
{
	world_version(world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
}

/* What finishSecret of somebody else would have left. */
static void move_the_label(struct world *world)
{
	struct fake_version *pending = world_version(world, APPLICATION_SECRET, STAGE_PENDING);
	struct fake_version *current = world_version(world, APPLICATION_SECRET, STAGE_CURRENT);

	if (pending == NULL || current == pending)
		return;
	current->labels[STAGE_CURRENT] = false;
	current->labels[STAGE_PREVIOUS] = true;
	pending->labels[STAGE_CURRENT] = true;
}

static void make_prepared(struct world *world, unsigned shape)
{
	world_make(world, WORLD_ONE_USER | shape);
	assert_ok(run(world, STEP_CREATE));
}

/*
 * setSecret in a world made so, and somebody who moves labels before each call up to its last look at
 * them: it ends without a change where it found them moved.
 */
static int count_conflicts_beside(void (*make)(struct world *, unsigned), unsigned shape,
				  void (*intrude)(struct world *))
{
	int conflicts = 0;

	for (int n = 1;; n++) {
		struct world world;
		struct status status;
		int looked;

		make(&world, shape);
		assert_ok(run(&world, STEP_SET));
		looked = world.looked;
		world_clear(&world);
		if (n > looked)
			return conflicts;
		make(&world, shape);
		world_reset_counts(&world);
		world.intrude_at = n;
		world.intrude = intrude;
		status = step_run(STEP_SET, &world.rotation);
		conflicts += status.code == STATUS_CONFLICT &&
			     strstr(status.detail, "labels moved while") != NULL;
		if (intrude == move_the_label) {
			assert_ok(status);
			assert_true(accepts(&world, STAGE_CURRENT));
		} else if (status.code == STATUS_CONFLICT)
			assert_int_equal(world_user(&world, "app")->changes, 0);
		world_clear(&world);
	}
}

static void putting_back_looks_at_the_labels_once_more(void **state)
{
	(void)state;
	assert_in_range(count_conflicts_beside(make_half_done, 0, take_the_label_away), 1, 100);
	assert_int_equal(count_conflicts_beside(make_half_done, 0, move_the_label), 0);
}

static void adding_a_password_looks_at_the_labels_once_more(void **state)
{
	(void)state;
	assert_in_range(count_conflicts_beside(make_prepared, WORLD_TWO_PASSWORDS,
					       take_the_label_away),
			1, 100);
}

static void finish_elsewhere(struct world *world)
{
	give(world, STAGE_PENDING);
	move_the_label(world);
}

/* While it adds a password another step has finished: it leaves things as they are. */
static void adding_a_password_to_what_is_finished_adds_none(void **state)
{
	struct world world;
	int looked;

	(void)state;
	make_prepared(&world, WORLD_TWO_PASSWORDS);
	assert_ok(run(&world, STEP_SET));
	looked = world.looked;
	world_clear(&world);
	make_prepared(&world, WORLD_TWO_PASSWORDS);
	world_reset_counts(&world);
	world.intrude_at = looked;
	world.intrude = finish_elsewhere;
	assert_ok(step_run(STEP_SET, &world.rotation));
	assert_int_equal(world_user(&world, "app")->changes, 0);
	assert_true(accepts(&world, STAGE_CURRENT));
	world_clear(&world);
}

/* Of two at the same time the other one was faster, and has moved the label when this one looks. */
static void finish_that_finds_the_label_moved_is_finished_and_changes_nothing(void **state)
{
	struct world world;

	(void)state;
	/* The look is the call before the commit. */
	(void)begin_finish_beside(&world, "commit", -1, move_the_label);
	assert_ok(step_run(STEP_FINISH, &world.rotation));
	assert_string_equal(world.report.outcome, "already finished");
	assert_int_equal(world_user(&world, "app")->changes, 0);
	world_clear(&world);
}

static void edit_the_current(struct world *world)
{
	char edited[600], before[VERSION_ID_MAX + 1];
	const struct fake_version *current = world_version(world, APPLICATION_SECRET,
							   STAGE_CURRENT);

	snprintf(edited, sizeof(edited), "%s ", current->value);
	snprintf(before, sizeof(before), "%s", current->id);
	world_put(world, APPLICATION_SECRET, before, STAGE_PREVIOUS, NULL);
	world_put(world, APPLICATION_SECRET, "version-2", STAGE_CURRENT, edited);
	world_version(world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
}

/* Before any call of finishSecret that comes before the change. */
static void finish_beside_an_edit_changes_nothing_and_is_a_conflict(void **state)
{
	int late = 0;

	(void)state;
	for (int n = 1;; n++) {
		struct world world;
		struct status status;
		int commit;

		world_make(&world, WORLD_ONE_USER);
		run_until(&world, STEP_TEST);
		commit = find_call(&world, STEP_FINISH, "commit");
		if (n >= commit) {
			world_clear(&world);
			assert_in_range(late, 1, 100);
			return;
		}
		world_reset_counts(&world);
		world_warm(&world, false);
		world.intrude_at = n;
		world.intrude = edit_the_current;
		status = step_run(STEP_FINISH, &world.rotation);
		assert_true(status.code == STATUS_CONFLICT || status.code == STATUS_UNAVAILABLE);
		late += strstr(status.detail, "is read late, or has just changed") != NULL;
		assert_failed(run(&world, STEP_FINISH), STATUS_CONFLICT, "");
		assert_true(accepts(&world, STAGE_CURRENT));
		assert_int_equal(world_user(&world, "app")->changes, 0);
		world_clear(&world);
	}
}

/* A version keeps its value; a store that does not is no reason to hand that value to the application. */
static void finish_checks_what_it_reads_against_the_current_version(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER);
	run_until(&world, STEP_TEST);
	world_put(&world, APPLICATION_SECRET, world.token, STAGE_PENDING,
		  "{\"engine\": \"postgres\", \"host\": \"db.example\", \"username\": "
		  "\"other\", \"password\": \"other-password\"}");
	assert_failed(finish_warm(&world), STATUS_CONFLICT, "");
	assert_int_equal(world_user(&world, "app")->changes, 0);
	assert_false(is_finished(&world));
	world_clear(&world);
}

/* One more invocation of a step, whole, beside the one under way. Who is locked out gives up. */
static enum step step_beside;

static void step_comes_between(struct world *world)
{
	struct report report = {0};
	struct rotation beside = world->rotation;
	int calls = world->calls, fail_at = world->fail_at;

	beside.report = &report;
	beside.proven = NULL;
	world->fail_at = 0;
	(void)step_run(step_beside, &beside).code;
	world->fail_at = fail_at;
	world->calls = calls;
}

/*
 * Only the pending password works: it has logged in, and another step puts back the current one before
 * the label moves. What becomes current must be accepted then, not have been once.
 */
static void assert_finish_survives(unsigned shape, enum step beside, bool warm)
{
	for (int n = 1, calls = n; n <= calls; n++) {
		struct world world;

		world_make(&world, WORLD_ONE_USER | shape);
		world.keeps_nothing = true;
		run_until(&world, STEP_SET);
		give(&world, STAGE_PENDING);
		if (warm)
			(void)run(&world, STEP_TEST).code;
		world_reset_counts(&world);
		world.rotation.proven = warm ? &world.proven : NULL;
		world.intrude_at = n;
		world.intrude = step_comes_between;
		step_beside = beside;
		(void)step_run(STEP_FINISH, &world.rotation).code;
		calls = world.calls;
		assert_string_equal(world.breach, "");
		assert_true(accepts(&world, STAGE_CURRENT));
		assert_ok(run(&world, STEP_FINISH));
		assert_true(is_finished(&world));
		assert_true(accepts(&world, STAGE_CURRENT));
		world_clear(&world);
	}
}

static void finish_beside_a_step_that_puts_back_promotes_what_is_accepted(void **state)
{
	(void)state;
	for (enum step beside = 0; beside < STEP_COUNT; beside++)
		for (int warm = 0; warm < 2; warm++) {
			assert_finish_survives(WORLD_PLAIN, beside, warm);
			assert_finish_survives(WORLD_TWO_PASSWORDS, beside, warm);
		}
}

/* testSecret saw both: the current password before another finishSecret's change, the pending one after. */
static void finish_of_what_was_put_back_after_its_proof_sets_it_again(void **state)
{
	struct world world;

	(void)state;
	may_keep_nothing(&world);
	assert_ok(run(&world, STEP_SET));
	assert_ok(run(&world, STEP_TEST));
	world.proven.deferred = false;
	assert_ok(finish_warm(&world));
	assert_string_equal(world.breach, "");
	assert_string_equal(world.report.outcome, "changed and promoted");
	assert_true(accepts(&world, STAGE_CURRENT));
	world_clear(&world);
}

/* The current password cannot be put back here; elsewhere it can, but not before the label has moved. */
static void finish_going_forward_holds_the_lock_until_the_label_moved(void **state)
{
	(void)state;
	for (int n = 1, calls = n; n <= calls; n++) {
		/* After a look, two reads, two logins, the lock. */
		const int refusal = 7;
		struct world world;

		world_make(&world, WORLD_ONE_USER);
		run_until(&world, STEP_TEST);
		give(&world, STAGE_PENDING);
		world_reset_counts(&world);
		world.rotation.proven = &world.proven;
		world.fail_at = refusal;
		world.failure = FAIL_BEFORE;
		world.answer = STATUS_INVALID;
		if (n > refusal) {
			world.intrude_at = n;
			world.intrude = step_comes_between;
			step_beside = STEP_SET;
		}
		(void)step_run(STEP_FINISH, &world.rotation).code;
		calls = world.calls;
		assert_string_equal(world.failed_call, "set_password");
		assert_string_equal(world.breach, "");
		assert_true(is_finished(&world));
		assert_true(accepts(&world, STAGE_CURRENT));
		if (n <= refusal) {
			assert_string_equal(world.report.outcome, "promoted the new version");
			assert_int_equal(world_user(&world, "app")->changes, 0);
		}
		world_clear(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_leaves_the_change_to_finish),
		cmocka_unit_test(set_with_two_passwords_adds_one),
		cmocka_unit_test(set_beside_a_kept_password_keeps_it),
		cmocka_unit_test(set_that_may_not_keep_two_says_so),
		cmocka_unit_test(set_again_after_it_was_set_changes_nothing),
		cmocka_unit_test(test_of_one_password_logs_in_with_the_current_one),
		cmocka_unit_test(test_of_two_passwords_logs_in_with_both),
		cmocka_unit_test(test_where_two_are_not_allowed_defers),
		cmocka_unit_test(finish_changes_proves_and_promotes_under_the_lock),
		cmocka_unit_test(finish_of_two_passwords_promotes_under_the_lock),
		cmocka_unit_test(finish_of_two_passwords_changes_nothing_when_a_call_fails),
		cmocka_unit_test(finish_with_too_little_time_changes_nothing),
		cmocka_unit_test(finish_that_cannot_promote_puts_back),
		cmocka_unit_test(finish_that_cannot_look_whether_it_promoted_says_what_to_do),
		cmocka_unit_test(finish_that_cannot_put_back_says_what_to_do),
		cmocka_unit_test(finish_whose_label_is_waited_for_too_long_has_time_to_put_back),
		cmocka_unit_test(finish_whose_answer_is_lost_is_finished),
		cmocka_unit_test(any_step_after_a_change_half_done_puts_back),
		cmocka_unit_test(current_password_that_cannot_be_put_back_goes_forward),
		cmocka_unit_test(previous_password_heals_the_current_one),
		cmocka_unit_test(password_nobody_knows_is_denied_with_advice),
		cmocka_unit_test(previous_version_of_another_user_is_not_tried),
		cmocka_unit_test(test_alone_logs_in_with_the_current_password),
		cmocka_unit_test(previous_password_that_cannot_be_read_is_unavailable),
		cmocka_unit_test(admin_is_told_after_the_users_own_login_only),
		cmocka_unit_test(admin_that_is_the_user_itself_is_refused),
		cmocka_unit_test(admin_puts_back_what_the_user_may_not_change),
		cmocka_unit_test(putting_back_looks_at_the_labels_once_more),
		cmocka_unit_test(adding_a_password_looks_at_the_labels_once_more),
		cmocka_unit_test(adding_a_password_to_what_is_finished_adds_none),
		cmocka_unit_test(finish_that_finds_the_label_moved_is_finished_and_changes_nothing),
		cmocka_unit_test(finish_beside_an_edit_changes_nothing_and_is_a_conflict),
		cmocka_unit_test(finish_checks_what_it_reads_against_the_current_version),
		cmocka_unit_test(finish_beside_a_step_that_puts_back_promotes_what_is_accepted),
		cmocka_unit_test(finish_of_what_was_put_back_after_its_proof_sets_it_again),
		cmocka_unit_test(finish_going_forward_holds_the_lock_until_the_label_moved),
	};

	return cmocka_run_group_tests_name("single_user", tests, NULL, NULL);
}
