/*
 * Torture: every port call, every allocation and every draw of random bytes of every step fails in
 * turn, in every way, until none is left to fail. After each the promises hold, the step is run again
 * and finishes, and the end is the same as if nothing had happened. The promises are looked at after
 * every port call besides (tests/fakes/watch.c).
 *
 *     torture_test [SCENE…]       those of that name; all unless told
 */
#include "test.h"

#include "failing_memory.h"
#include "fakes/world.h"

#include <stdio.h>

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define INVOCATION_MS 60000
#define TRACE_MAX 4096

/* A rotation to be tortured, from where it begins. */
struct scene {
	const char *name;
	unsigned shape;
	void (*prepare)(struct world *); /* NULL: the world is as it was made */
	bool again;	 /* the step was done before, the rotation is not finished */
	bool warm;	 /* the process that runs finishSecret ran testSecret */
	bool alone;	 /* testSecret and nothing else */
	int wrong_tries; /* the most that one invocation may make, one a password */
};

static void finish_it(struct world *world)
{
	for (enum step step = 0; step < STEP_COUNT; step++)
		assert_ok(step_run(step, &world->rotation));
}

/* The turn of the base user, whose old password is AWSPREVIOUS's. */
static void rotate_once(struct world *world)
{
	finish_it(world);
	world_begin_rotation(world, "token-0000000000000000000000000002");
}

/* As `tandem rotate` does with a secret that has no function: nobody made an empty version. */
static void begin_here(struct world *world)
{
	world->rotation.started_here = true;
	world_secret(world, APPLICATION_SECRET)->rotation_enabled = false;
	world_version(world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
}

/* After an edit by hand AWSPREVIOUS is the active user's too: the other's stands in an older version. */
static void edit_by_hand(struct world *world)
{
	char edited[600];

	snprintf(edited, sizeof(edited), "%s ",
		 world_version(world, APPLICATION_SECRET, STAGE_CURRENT)->value);
	world_put(world, APPLICATION_SECRET, "version-1", STAGE_PREVIOUS, NULL);
	world_put(world, APPLICATION_SECRET, "version-2", STAGE_CURRENT, edited);
}

/* RotateImmediately=false: the current value once more, under the token. */
static void stage_the_current(struct world *world)
{
	world_put(world, APPLICATION_SECRET, world->token, STAGE_PENDING,
		  world_version(world, APPLICATION_SECRET, STAGE_CURRENT)->value);
}

static void keep_nothing(struct world *world)
{
	world->keeps_nothing = true;
}

/* A finishSecret that died between the change and the label. */
static void change_too_early(struct world *world)
{
	const char *value;
	char *at;

	assert_ok(create_secret(&world->rotation));
	value = world_version(world, APPLICATION_SECRET, STAGE_PENDING)->value;
	at = strstr(value, "\"password\": \"") + strlen("\"password\": \"");
	snprintf(world_user(world, "app")->password, sizeof(world->users[0].password), "%.*s",
		 (int)strcspn(at, "\""), at);
}

static void be_patient_for_a_moment(struct world *world)
{
	world->config.proxy_wait = 5;
}

#define BOTH (WORLD_ADMIN | WORLD_PROXIES_TOO)

static const struct scene scenes[] = {
	{"two users", WORLD_PLAIN, .wrong_tries = 1},
	{"two users, admin", WORLD_ADMIN, .wrong_tries = 0},
	{"two users, proxy", WORLD_PROXIES_TOO, .wrong_tries = 1},
	{"two users, two proxies", WORLD_PROXIES_TOO | WORLD_TWO_ENDPOINTS, .wrong_tries = 1},
	{"two users, proxy, short wait", WORLD_PROXIES_TOO, be_patient_for_a_moment,
	 .wrong_tries = 1},
	{"two users, admin, proxy", BOTH, .wrong_tries = 0},
	{"clone missing", WORLD_ADMIN | WORLD_CLONE_MISSING, .wrong_tries = 0},
	{"clone missing, proxy", BOTH | WORLD_CLONE_MISSING, .wrong_tries = 0},
	{"three users, admin", WORLD_ADMIN | WORLD_RING_OF_THREE, .wrong_tries = 0},
	{"three users, proxy", WORLD_PROXIES_TOO | WORLD_RING_OF_THREE, .wrong_tries = 1},
	{"three users, admin, proxy", BOTH | WORLD_RING_OF_THREE, .wrong_tries = 0},
	{"other keys", WORLD_OTHER_KEYS, .wrong_tries = 1},
	{"other keys, admin, proxy", BOTH | WORLD_OTHER_KEYS, .wrong_tries = 0},
	{"second rotation", WORLD_PLAIN, rotate_once, .wrong_tries = 1},
	{"second rotation, proxy", WORLD_PROXIES_TOO, rotate_once, .wrong_tries = 1},
	{"second rotation, admin, proxy", BOTH, rotate_once, .wrong_tries = 0},
	{"begun here", WORLD_PLAIN, begin_here, .wrong_tries = 1},
	{"begun here, proxy", WORLD_PROXIES_TOO, begin_here, .wrong_tries = 1},
	{"password in an older version", WORLD_PLAIN, edit_by_hand, .wrong_tries = 1},
	{"warm function", WORLD_PLAIN, .warm = true, .wrong_tries = 1},
	{"warm function, admin, proxy", BOTH, .warm = true},
	{"step done before", WORLD_PLAIN, .again = true, .wrong_tries = 1},
	{"step done before, admin", WORLD_ADMIN, .again = true},
	{"step done before, proxy", WORLD_PROXIES_TOO, .again = true, .wrong_tries = 1},
	{"rotation finished", WORLD_PLAIN, finish_it, .wrong_tries = 0},
	{"rotation finished, admin, proxy", BOTH, finish_it, .wrong_tries = 0},
	{"two passwords", WORLD_TWO_PASSWORDS, .wrong_tries = 1},
	{"two passwords, admin", WORLD_TWO_PASSWORDS | WORLD_ADMIN, .wrong_tries = 0},
	{"two passwords, proxy", WORLD_TWO_PASSWORDS | WORLD_PROXIES_TOO, .wrong_tries = 1},
	{"two passwords, admin, proxy", WORLD_TWO_PASSWORDS | BOTH, .wrong_tries = 0},
	{"two passwords, second rotation", WORLD_TWO_PASSWORDS, rotate_once, .wrong_tries = 1},
	{"two passwords, warm function", WORLD_TWO_PASSWORDS, .warm = true, .wrong_tries = 1},
	{"two passwords not allowed", WORLD_TWO_PASSWORDS | WORLD_ADMIN, keep_nothing,
	 .wrong_tries = 0},
	{"one user", WORLD_ONE_USER, .wrong_tries = 1},
	{"one user, admin", WORLD_ONE_USER | WORLD_ADMIN, .wrong_tries = 1},
	{"one user, warm function", WORLD_ONE_USER, .warm = true, .wrong_tries = 1},
	{"one user, second rotation", WORLD_ONE_USER, rotate_once, .wrong_tries = 2},
	{"one user, step done before", WORLD_ONE_USER, .again = true, .wrong_tries = 1},
	{"one user, change half done", WORLD_ONE_USER, change_too_early, .wrong_tries = 2},
	{"one user, admin, half done", WORLD_ONE_USER | WORLD_ADMIN, change_too_early,
	 .wrong_tries = 2},
	{"one user, two passwords", WORLD_ONE_USER | WORLD_TWO_PASSWORDS, .wrong_tries = 1},
	{"one user, two passwords, admin", WORLD_ONE_USER | WORLD_TWO_PASSWORDS | WORLD_ADMIN,
	 .wrong_tries = 1},
	{"one user, two passwords, again", WORLD_ONE_USER | WORLD_TWO_PASSWORDS, .again = true,
	 .wrong_tries = 1},
	{"one user, two passwords, later", WORLD_ONE_USER | WORLD_TWO_PASSWORDS, rotate_once,
	 .wrong_tries = 2},
	{"one user, two not allowed", WORLD_ONE_USER | WORLD_TWO_PASSWORDS, keep_nothing,
	 .wrong_tries = 2},
	{"testSecret alone", WORLD_PLAIN, stage_the_current, .alone = true},
	{"managed admin", WORLD_ADMIN | WORLD_MANAGED, .wrong_tries = 0},
	{"managed admin, clone missing, proxy", BOTH | WORLD_MANAGED | WORLD_CLONE_MISSING,
	 .wrong_tries = 0},
	{"reader", WORLD_READER, .wrong_tries = 1},
	{"reader, admin", WORLD_ADMIN | WORLD_READER, .wrong_tries = 0},
	{"reader, admin, proxy", BOTH | WORLD_READER, .wrong_tries = 0},
	{"reader, managed admin", WORLD_ADMIN | WORLD_MANAGED | WORLD_READER, .wrong_tries = 0},
	{"reader, two passwords, managed",
	 WORLD_ADMIN | WORLD_MANAGED | WORLD_READER | WORLD_TWO_PASSWORDS, .wrong_tries = 0},
	{"one user, managed admin", WORLD_ONE_USER | WORLD_ADMIN | WORLD_MANAGED, .wrong_tries = 1},
	{"testSecret alone, proxy", WORLD_PROXIES_TOO, stage_the_current, .alone = true},
};

/* One way to fail. */
struct harm {
	const char *name;
	enum { TO_CALL, TO_MEMORY, TO_RANDOM } to;
	enum world_failure failure;
	enum status_code answer;
	enum shortage shortage;
};

static const struct harm harms[] = {
	{"not done", TO_CALL, FAIL_BEFORE, STATUS_UNAVAILABLE, 0},
	{"answer lost", TO_CALL, FAIL_AFTER, STATUS_UNAVAILABLE, 0},
	{"no answer, not done", TO_CALL, FAIL_SILENT, STATUS_UNAVAILABLE, 0},
	{"no answer, but done", TO_CALL, FAIL_SILENT_AFTER, STATUS_UNAVAILABLE, 0},
	{"INVALID", TO_CALL, FAIL_BEFORE, STATUS_INVALID, 0},
	{"NOT_FOUND", TO_CALL, FAIL_BEFORE, STATUS_NOT_FOUND, 0},
	{"DENIED", TO_CALL, FAIL_BEFORE, STATUS_DENIED, 0},
	{"CONFLICT", TO_CALL, FAIL_BEFORE, STATUS_CONFLICT, 0},
	{"INTERNAL", TO_CALL, FAIL_BEFORE, STATUS_INTERNAL, 0},
	{"no memory once", TO_MEMORY, 0, 0, SHORTAGE_ONCE},
	{"no memory any more", TO_MEMORY, 0, 0, SHORTAGE_FOR_GOOD},
	{"no random bytes", TO_RANDOM, 0, 0, 0},
};

/* What a scene survived, for the matrix. */
static struct tally {
	int calls[STEP_COUNT], allocations[STEP_COUNT], draws, faults, pairs;
} tallies[SIZE(scenes)];

/* Where we are, for whoever reads of a failure. */
static char where[200];

static int total_changes(const struct world *world)
{
	int changes = 0;

	for (size_t i = 0; i < WORLD_USERS; i++)
		changes += world->users[i].changes;
	return changes;
}

static void assert_not_in(const char *text, const char *password, size_t length)
{
	if (length > 0 && memmem(text, strlen(text), password, length) != NULL)
		fail_msg("a password in: %s", text);
}

/* The worlds write "password" without an escape in it, and no generated one needs one. */
static void assert_no_password_in(struct world *world, const char *text)
{
	static const char key[] = "\"password\"";

	for (size_t i = 0; i < WORLD_USERS && text[0] != '\0'; i++)
		assert_not_in(text, world->users[i].password, strlen(world->users[i].password));
	for (size_t i = 0; i < WORLD_SECRETS && text[0] != '\0'; i++)
		for (size_t j = 0; j < WORLD_VERSIONS; j++) {
			const char *stored = world->secrets[i].versions[j].value, *at;

			at = stored != NULL ? strstr(stored, key) : NULL;
			if (at == NULL)
				continue;
			at = strchr(at + strlen(key), '"') + 1;
			assert_not_in(text, at, strcspn(at, "\""));
		}
}

static void assert_promises(struct world *world, const struct scene *scene, enum step step,
			    int changes_before, const struct status *status)
{
	watch_moment(world);
	assert_string_equal(world->breach, "");
	if (step != STEP_SET && !world->has_one_user)
		assert_int_equal(total_changes(world), changes_before);
	for (size_t i = 0; i < WORLD_USERS; i++)
		assert_in_range(world->users[i].wrong_tries, 0, scene->wrong_tries);
	/* It ended by its deadline, and asked nobody anything after it. */
	assert_true(world->time <= world->rotation.deadline.at);
	assert_int_equal(world->late_calls, 0);
	assert_no_password_in(world, status->detail);
	assert_no_password_in(world, world->report.user);
	for (size_t i = 0; i < world->report.note_count; i++)
		assert_no_password_in(world, world->report.notes[i]);
}

static bool is_refused(struct world *world)
{
	world->refused = 0;
	if (world->has_one_user)
		watch_moment(world);
	return world->refused > 0;
}

/*
 * One user's password is changed under the application, for the time of two calls: a login and the label's
 * move. What fails then is taken back before the step ends, unless there is no memory left to do so.
 */
static void assert_taken_back(struct world *world, const struct harm *harm, bool was_refused)
{
	if (!world->has_one_user || was_refused ||
	    (harm != NULL && harm->shortage == SHORTAGE_FOR_GOOD))
		return;
	if (harm == NULL)
		assert_in_range(world->refused_most, 0, 2);
	assert_false(is_refused(world));
}

/* One invocation, with the n-th call, allocation or draw failing; `harm` NULL: undisturbed. */
static struct status invoke(struct world *world, const struct scene *scene, enum step step,
			    const struct harm *harm, int n, bool *hit)
{
	int changes = total_changes(world);
	bool no_memory, was_refused = is_refused(world);
	struct status status;

	world->refused = world->refused_most = 0;
	world->report = (struct report){0};
	world->rotation.deadline = deadline_in(world->rotation.deadline.clock, INVOCATION_MS);
	world->store_limit = (struct deadline){0};
	world_warm(world, scene->warm && step == STEP_FINISH);
	world->calls = world->fills = world->late_calls = 0;
	world->fail_at = harm != NULL && harm->to == TO_CALL ? n : 0;
	world->fill_fails_at = harm != NULL && harm->to == TO_RANDOM ? n : 0;
	world->failed_call[0] = world->failed_place[0] = world->failed_user[0] = '\0';
	for (size_t i = 0; i < WORLD_USERS; i++)
		world->users[i].wrong_tries = 0;
	if (harm != NULL) {
		world->failure = harm->failure;
		world->answer = harm->answer;
	}
	world->memory_paused = &failing_memory.paused;
	memory_fail_at(harm != NULL && harm->to == TO_MEMORY ? n : 0,
		       harm != NULL ? harm->shortage : SHORTAGE_ONCE);
	status = step_run(step, &world->rotation);
	no_memory = memory_failed();
	if (harm != NULL)
		*hit = (harm->to == TO_CALL && world->calls >= n) ||
		       (harm->to == TO_RANDOM && world->fills >= n) || no_memory;
	world->fail_at = world->fill_fails_at = 0;
	assert_taken_back(world, harm, was_refused);
	if (step == STEP_TEST)
		world->proven = world->report.proven;
	assert_promises(world, scene, step, changes, &status);
	return status;
}

static enum step first_step(const struct scene *scene)
{
	return scene->alone ? STEP_TEST : STEP_CREATE;
}

/* Undisturbed, from this step to the scene's last. */
static void go_on(struct world *world, const struct scene *scene, enum step from)
{
	enum step last = scene->alone ? STEP_TEST : STEP_FINISH;

	for (enum step step = from; step <= last; step++)
		assert_ok(invoke(world, scene, step, NULL, 0, NULL));
}

static void reach(struct world *world, const struct scene *scene, enum step step)
{
	world_make(world, scene->shape);
	if (scene->prepare != NULL)
		scene->prepare(world);
	world->set_begun = false;
	world->breach[0] = '\0';
	for (enum step before = first_step(scene); before < step; before++)
		assert_ok(invoke(world, scene, before, NULL, 0, NULL));
	if (scene->again)
		assert_ok(invoke(world, scene, step, NULL, 0, NULL));
}

static void assert_end(struct world *world, const char *undisturbed)
{
	char end[TRACE_MAX];

	world_describe(world, end, sizeof(end));
	assert_string_equal(end, undisturbed);
}

/*
 * What a step owes to whoever reads of a failure, since its client cannot know it: what it was doing
 * with each call of a port. The clients name the place, and the fakes say nothing else.
 */
static const struct {
	const char *call, *words[3];
} doing[] = {
	{"describe", {"reading the labels", "reading in its tags"}},
	{"find owner", {"looking up where '"}},
	{"find writer", {"looking up whether "}},
	{"get current", {"reading the current version", "reading the admin secret"}},
	{"get pending", {"reading the pending version"}},
	{"get previous", {"reading the previous version"}},
	{"find", {"looking for the last password of '"}},
	{"get_current", {"reading the current versions", "reading the proxy secrets"}},
	{"stage", {"putting the pending version"}},
	{"promote", {"promoting the new version", "promoting the proxy secret '"}},
	{"open",
	 {"logging in a", "proving that the active credential works there, as '",
	  "did not accept the new password of '"}},
	{"lock_user", {"locking '"}},
	{"set_password", {"changing the password of '"}},
	{"put_user_like", {"setting the password of '"}},
	{"add_password", {"adding a password to '"}},
	{"commit", {"committing the change of '", "adding a password to '"}},
	{"compare_users", {"comparing '"}},
};

/* Or, where the step knows better than its client what is wrong: what to do about it. */
static const char *const advice[] = {
	"set it to",
	"start it again",
	"start again:",
	"rotate again",
	"add them while no rotation is under way",
};

static bool says_one_of(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count && words[i] != NULL; i++)
		if (strstr(text, words[i]) != NULL)
			return true;
	return false;
}

static bool says_what_it_was_doing(const char *text, const char *call)
{
	for (size_t i = 0; i < SIZE(doing); i++)
		if (strcmp(doing[i].call, call) == 0)
			return says_one_of(text, doing[i].words, SIZE(doing[i].words));
	return false;
}

/* `said`: without the step's name and the secret's, which step_run() puts in front. */
static void assert_one_can_act_on(const struct world *world, const char *said)
{
	char user[sizeof(world->failed_user) + 2];

	if (!says_what_it_was_doing(said, world->failed_call) &&
	    !says_one_of(said, advice, SIZE(advice)))
		fail_msg("%s failed; neither what was done nor what to do: %s", world->failed_call,
			 said);
	snprintf(user, sizeof(user), "'%s'", world->failed_user);
	if (world->failed_user[0] != '\0' && strstr(said, user) == NULL)
		fail_msg("%s failed; not to whom it was done, %s: %s", world->failed_call, user,
			 said);
	if (strcmp(world->failed_place, APPLICATION_SECRET) != 0 &&
	    strstr(said, world->failed_place) == NULL)
		fail_msg("%s failed; not where, %s: %s", world->failed_call, world->failed_place,
			 said);
}

static bool is_finished(const struct world *world)
{
	struct world *unchanged = (struct world *)(uintptr_t)world;
	const struct fake_version *current = world_version(unchanged, APPLICATION_SECRET,
							   STAGE_CURRENT);

	return strcmp(current->id, world->token) == 0;
}

/* Is what the step said of the failure right, and enough to act on? */
static void judge(const struct world *world, enum step step, const struct harm *harm,
		  const struct status *status)
{
	bool at_proxy = strncmp(world->failed_place, "proxy.", 6) == 0;
	bool at_reader = world->is_reader && strcmp(world->failed_place, DATABASE) == 0 &&
			 strcmp(world->failed_call, "open") == 0;
	char begin[64];

	/* What comes after the label is best effort. */
	if (status->code == STATUS_OK && step == STEP_FINISH && is_finished(world))
		return;
	if (status->code == STATUS_OK) {
		/* A proxy is asked again, and a reader; an answer that means something may be gone on
		 * from. */
		assert_true(harm->to == TO_CALL &&
			    (at_proxy || at_reader || harm->answer != STATUS_UNAVAILABLE));
		return;
	}
	snprintf(begin, sizeof(begin), "%s of '" APPLICATION_SECRET "': ", step_name(step));
	assert_memory_equal(status->detail, begin, strlen(begin));
	if (harm->to == TO_MEMORY)
		assert_failed(*status, STATUS_UNAVAILABLE, "out of memory");
	if (harm->to == TO_RANDOM) {
		assert_failed(*status, STATUS_UNAVAILABLE, "random");
		assert_non_null(strstr(status->detail, "making a new password for 'app"));
	}
	if (harm->to != TO_CALL)
		return;
	if (harm->answer == STATUS_UNAVAILABLE || at_proxy)
		assert_int_equal(status->code, harm->answer);
	if (harm->answer != STATUS_INTERNAL)
		assert_int_not_equal(status->code, STATUS_INTERNAL);
	assert_one_can_act_on(world, status->detail + strlen(begin));
}

/* `again_from`: the step itself is retried, or the whole rotation from its first step. */
static int torture(const struct scene *scene, enum step step, const struct harm *harm,
		   enum step again_from, const char *undisturbed)
{
	for (int n = 1;; n++) {
		long live = failing_memory.live;
		struct world world;
		struct status status;
		bool hit;

		snprintf(where, sizeof(where), "%s, %s, %s, number %d, then again from %s",
			 scene->name, step_name(step), harm->name, n, step_name(again_from));
		reach(&world, scene, step);
		status = invoke(&world, scene, step, harm, n, &hit);
		if (hit)
			judge(&world, step, harm, &status);
		else
			assert_ok(status);
		/* What said that it is done needs no retry. What one shortage leaves is retried above. */
		if (!hit || harm->shortage != SHORTAGE_FOR_GOOD) {
			go_on(&world, scene, status.code == STATUS_OK ? step + 1 : again_from);
			assert_end(&world, undisturbed);
		}
		if (harm->to == TO_CALL && again_from == step) {
			go_on(&world, scene, first_step(scene));
			assert_end(&world, undisturbed);
		}
		world_clear(&world);
		assert_int_equal(failing_memory.live, live);
		if (!hit)
			return n - 1;
	}
}

static void describe_undisturbed(const struct scene *scene, char ret[TRACE_MAX])
{
	struct world world;

	snprintf(where, sizeof(where), "%s, undisturbed", scene->name);
	reach(&world, scene, first_step(scene));
	go_on(&world, scene, first_step(scene));
	world_describe(&world, ret, TRACE_MAX);
	world_clear(&world);
}

static void step_survives_every_failure(void **state)
{
	struct tally *tally = *state;
	const struct scene *scene = &scenes[tally - tallies];
	enum step last = scene->alone ? STEP_TEST : STEP_FINISH;
	char undisturbed[TRACE_MAX];

	describe_undisturbed(scene, undisturbed);
	for (enum step step = first_step(scene); step <= last; step++)
		for (size_t i = 0; i < SIZE(harms); i++) {
			int count = torture(scene, step, &harms[i], step, undisturbed);

			tally->faults += count;
			if (harms[i].to == TO_CALL && count > tally->calls[step])
				tally->calls[step] = count;
			if (harms[i].to == TO_MEMORY)
				tally->allocations[step] = count;
			if (harms[i].to == TO_RANDOM)
				tally->draws += count;
			if (step != first_step(scene) && harms[i].answer == STATUS_UNAVAILABLE)
				tally->faults += torture(scene, step, &harms[i], first_step(scene),
							 undisturbed);
		}
	/* A loop that ended at once would prove nothing. */
	for (enum step step = first_step(scene); step <= last; step++)
		assert_true(tally->calls[step] > 0);
	where[0] = '\0';
}

/* The n-th call of a step fails, then the m-th of its retry. */
static void step_survives_two_failures_in_a_row(void **state)
{
	struct tally *tally = *state;
	const struct scene *scene = &scenes[tally - tallies];
	enum step last = scene->alone ? STEP_TEST : STEP_FINISH;
	char undisturbed[TRACE_MAX];

	describe_undisturbed(scene, undisturbed);
	for (enum step step = first_step(scene); step <= last; step++)
		for (int ways = 0; ways < 4; ways++)
			for (int n = 1, m = 1;; m++) {
				const struct harm *first = &harms[ways % 2],
						  *second = &harms[ways / 2];
				struct world world;
				struct status status;
				bool hit, hit_again = false;

				snprintf(where, sizeof(where), "%s, %s, %s at %d, %s at %d",
					 scene->name, step_name(step), first->name, n, second->name,
					 m);
				reach(&world, scene, step);
				status = invoke(&world, scene, step, first, n, &hit);
				if (status.code != STATUS_OK)
					status = invoke(&world, scene, step, second, m, &hit_again);
				go_on(&world, scene, status.code == STATUS_OK ? step + 1 : step);
				assert_end(&world, undisturbed);
				world_clear(&world);
				tally->pairs += hit_again;
				if (!hit)
					break;
				if (!hit_again) {
					n++;
					m = 0;
				}
			}
	where[0] = '\0';
}

static int say_where(void **state)
{
	(void)state;
	if (where[0] != '\0')
		print_error("torture stopped at: %s\n", where);
	return 0;
}

static void print_matrix(void)
{
	struct tally sum = {0};

	printf("\nSurvived. Each step: port calls / allocations, each of which failed in turn; a "
	       "call "
	       "in 9 ways, an allocation in 2.\n%-32s",
	       "");
	for (enum step step = 0; step < STEP_COUNT; step++)
		printf("%14s", step_name(step));
	printf("%10s%10s\n", "failures", "pairs");
	for (size_t i = 0; i < SIZE(scenes); i++) {
		if (tallies[i].faults == 0)
			continue;
		printf("%-32s", scenes[i].name);
		for (enum step step = 0; step < STEP_COUNT; step++) {
			char cell[32] = "-";

			if (tallies[i].calls[step] > 0)
				snprintf(cell, sizeof(cell), "%d / %d", tallies[i].calls[step],
					 tallies[i].allocations[step]);
			printf("%14s", cell);
		}
		printf("%10d%10d\n", tallies[i].faults, tallies[i].pairs);
		sum.faults += tallies[i].faults;
		sum.pairs += tallies[i].pairs;
	}
	printf("%-32s%56s%10d%10d\n", "all", "", sum.faults, sum.pairs);
}

static bool is_wanted(const char *name, int count, char **wanted)
{
	for (int i = 0; i < count; i++)
		if (strcmp(wanted[i], name) == 0)
			return true;
	return count == 0;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[2 * SIZE(scenes)] = {0};
	int failed, count = 0;

	for (size_t i = 0; i < SIZE(scenes); i++) {
		if (!is_wanted(scenes[i].name, argc - 1, argv + 1))
			continue;
		tests[count++] = (struct CMUnitTest){scenes[i].name, step_survives_every_failure,
						     NULL, say_where, &tallies[i]};
		tests[count++] = (struct CMUnitTest){scenes[i].name,
						     step_survives_two_failures_in_a_row, NULL,
						     say_where, &tallies[i]};
	}
	if (argc > 1 && count != 2 * (argc - 1)) {
		fprintf(stderr, "torture: there is no such scene, or one is named twice\n");
		return 2;
	}
	/* What is left of the table has no function, and is passed over. */
	failed = cmocka_run_group_tests_name("torture", tests, NULL, NULL);
	print_matrix();
	return failed;
}
