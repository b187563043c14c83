/*
 * Somebody else acts before the n-th port call of a step: for every step, every n and everybody who
 * is in the table below. After it the step ends with one of the classes written there, and refuses
 * where it has to; what is promised meanwhile holds, and what is said to end the trouble ends it.
 * docs/concurrency.md is the same table in words.
 */
#include "test.h"

#include "core/credential.h"
#include "core/memory.h"
#include "fakes/world.h"

#include <stdio.h>

#define OTHER_TOKEN "token-of-a-rotation-that-came-after"
#define NEXT_TOKEN "token-of-the-rotation-after-all-that"
#define LAST_TOKEN "token-of-one-rotation-more-to-be-sure"

#define ON(code) (1U << STATUS_##code)
#define IN(step) (1U << STEP_##step)
#define EVERY_STEP ((1U << STEP_COUNT) - 1)
/* Nor does setSecret where he came after its beginning, but before its last look at the labels. */
#define LAST_LOOK (1U << STEP_COUNT)

/* The step under way, for an intruder who does the same. */
static enum step step_now;

/* Runs steps beside the one under way: their calls are counted nowhere and fail nowhere. */
static struct status run_beside(struct world *world, const char *token, enum step first,
				enum step last)
{
	struct report report = {0};
	struct rotation beside = world->rotation;
	struct deadline limit = world->store_limit;
	int calls = world->calls, looked = world->looked;
	struct status status = OK;

	beside.token = token;
	beside.report = &report;
	beside.deadline = deadline_in(beside.deadline.clock, 60000);
	world->store_limit = beside.deadline; /* it is another process, with a store of its own */
	for (enum step step = first; step <= last && status.code == STATUS_OK; step++)
		status = step_run(step, &beside);
	world->calls = calls;
	world->looked = looked;
	world->store_limit = limit;
	return status;
}

static void drop_pending(struct world *world)
{
	struct fake_version *pending = world_version(world, APPLICATION_SECRET, STAGE_PENDING);

	if (pending != NULL)
		pending->labels[STAGE_PENDING] = false;
}

/* PutSecretValue by hand: AWSPREVIOUS follows, and AWSPENDING is taken off the version before. */
static void put_by_hand(struct world *world, const char *id, const char *value)
{
	char before[VERSION_ID_MAX + 1];

	snprintf(before, sizeof(before), "%s", world_version(world, id, STAGE_CURRENT)->id);
	world_put(world, id, before, STAGE_PREVIOUS, NULL);
	world_put(world, id, "version-by-hand", STAGE_CURRENT, value);
	if (world_version(world, id, STAGE_PENDING) != NULL)
		world_version(world, id, STAGE_PENDING)->labels[STAGE_PENDING] = false;
}

static void read_current(struct world *world, const char *id, struct credential *ret)
{
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	const char *text = world_version(world, id, STAGE_CURRENT)->value;

	assert_ok(secret_make(text, strlen(text), &value));
	assert_ok(credential_parse(&value, id, ret));
}

/* What AWSCURRENT holds, with another password. */
static void put_password_by_hand(struct world *world, const char *id, const char *password)
{
	AUTO(credential_clear)
	struct credential current = CREDENTIAL_INIT, changed = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret made = SECRET_INIT;

	read_current(world, id, &current);
	assert_ok(secret_make(password, strlen(password), &made));
	assert_ok(credential_change(&current, current.username, &made, &changed));
	put_by_hand(world, id, secret_reveal(&changed.text));
}

static void set_password(struct world *world, const char *user, const char *password)
{
	struct fake_user *known = world_user(world, user);

	if (known != NULL)
		snprintf(known->password, sizeof(known->password), "%s", password);
}

/* As an operator would who reads the secret: the user gets what is written there. */
static void set_written_password(struct world *world, enum stage stage)
{
	AUTO(credential_clear) struct credential written = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	const struct fake_version *version = world_version(world, APPLICATION_SECRET, stage);

	if (version == NULL || version->value == NULL)
		return;
	assert_ok(secret_make(version->value, strlen(version->value), &value));
	assert_ok(credential_parse(&value, APPLICATION_SECRET, &written));
	set_password(world, written.username, secret_reveal(&written.password));
}

/* Between the last look and the change the user is locked: there another rotation has to wait. */
static void run_until_locked(struct world *world, const char *token, enum step from, enum step to)
{
	struct status status = run_beside(world, token, from, to);

	if (status.code != STATUS_UNAVAILABLE || strstr(status.detail, "is just changing") == NULL)
		assert_ok(status);
}

/* The intruders. */

static void same_step(struct world *world)
{
	run_until_locked(world, world->token, step_now, step_now);
}

static void rest_of_rotation(struct world *world)
{
	run_until_locked(world, world->token, STEP_CREATE, STEP_FINISH);
}

static void give_up(struct world *world)
{
	drop_pending(world);
}

static void other_rotation(struct world *world)
{
	drop_pending(world);
	world_put(world, APPLICATION_SECRET, OTHER_TOKEN, STAGE_PENDING, NULL);
	run_until_locked(world, OTHER_TOKEN, STEP_CREATE, STEP_FINISH);
}

static void other_rotation_half_way(struct world *world)
{
	drop_pending(world);
	world_put(world, APPLICATION_SECRET, OTHER_TOKEN, STAGE_PENDING, NULL);
	run_until_locked(world, OTHER_TOKEN, STEP_CREATE, STEP_SET);
}

static void edit_another_key(struct world *world)
{
	char edited[600];

	snprintf(edited, sizeof(edited), "%s ",
		 world_version(world, APPLICATION_SECRET, STAGE_CURRENT)->value);
	put_by_hand(world, APPLICATION_SECRET, edited);
}

/* UpdateSecretVersionStage by hand: the pending label stays where it is. */
static void move_current(struct world *world, const char *id, const char *version)
{
	char from[VERSION_ID_MAX + 1], to[VERSION_ID_MAX + 1];

	snprintf(from, sizeof(from), "%s", world_version(world, id, STAGE_CURRENT)->id);
	snprintf(to, sizeof(to), "%s", version);
	if (strcmp(from, to) == 0)
		return;
	world_put(world, id, to, STAGE_CURRENT, NULL);
	world_put(world, id, from, STAGE_PREVIOUS, NULL);
}

static void roll_back(struct world *world)
{
	const struct fake_version *previous = world_version(world, APPLICATION_SECRET,
							    STAGE_PREVIOUS);

	if (previous != NULL)
		move_current(world, APPLICATION_SECRET, previous->id);
}

static void roll_forward(struct world *world)
{
	if (strcmp(world_version(world, APPLICATION_SECRET, STAGE_CURRENT)->id, "version-0") == 0)
		roll_back(world);
}

static void active_password_and_secret(struct world *world)
{
	set_password(world, "app", "active-by-hand");
	put_password_by_hand(world, APPLICATION_SECRET, "active-by-hand");
	if (world->has_proxies)
		put_password_by_hand(world, PROXY_SECRET_BASE, "active-by-hand");
}

static void active_password(struct world *world)
{
	set_password(world, "app", "active-by-hand");
}

static void active_password_back(struct world *world)
{
	set_password(world, "app", "active-password");
}

static void put_garbage(struct world *world)
{
	put_by_hand(world, APPLICATION_SECRET, "hello");
}

static void take_garbage_back(struct world *world)
{
	roll_back(world);
}

static void inactive_password(struct world *world)
{
	if (world_user(world, "app-clone") != NULL)
		set_password(world, "app-clone", "inactive-by-hand");
}

/* What the message says: one of the passwords that are written down. */
static void inactive_password_back(struct world *world)
{
	set_written_password(world, STAGE_PENDING);
}

static void drop_inactive(struct world *world)
{
	struct fake_user *known = world_user(world, "app-clone");

	if (known != NULL)
		*known = (struct fake_user){0};
}

static void make_inactive_again(struct world *world)
{
	struct fake_user *room = world_user(world, "app-clone");

	if (room == NULL) {
		room = world_user(world, "");
		snprintf(room->name, sizeof(room->name), "app-clone");
	}
	inactive_password_back(world);
}

static void weaken_inactive(struct world *world)
{
	if (world_user(world, "app-clone") != NULL)
		world_user(world, "app-clone")->weak = true;
}

static void grant_again(struct world *world)
{
	if (world_user(world, "app-clone") != NULL)
		world_user(world, "app-clone")->weak = false;
}

static void admin_password(struct world *world)
{
	set_password(world, "admin", "admin-by-hand");
}

static void admin_secret_follows(struct world *world)
{
	put_password_by_hand(world, ADMIN_SECRET, "admin-by-hand");
}

static void admin_password_and_secret(struct world *world)
{
	admin_password(world);
	admin_secret_follows(world);
}

static void delete_secret(struct world *world)
{
	world_secret(world, APPLICATION_SECRET)->deleted = true;
}

static void delete_proxy_secret(struct world *world)
{
	world_secret(world, PROXY_SECRET_CLONE)->deleted = true;
}

static void delete_admin_secret(struct world *world)
{
	world_secret(world, ADMIN_SECRET)->deleted = true;
}

static void restore_all(struct world *world)
{
	for (size_t i = 0; i < WORLD_SECRETS; i++)
		world->secrets[i].deleted = false;
}

/* A version with a label cannot be removed: it loses the label, and then itself. */
static void remove_proxy_version(struct world *world)
{
	struct fake_version *pending = world_version(world, PROXY_SECRET_CLONE, STAGE_PENDING);

	if (pending == NULL || pending->labels[STAGE_CURRENT])
		return;
	string_clear(&pending->value);
	*pending = (struct fake_version){0};
}

static void rename_proxy_user(struct world *world)
{
	world_put(world, PROXY_SECRET_CLONE, "proxy-by-hand", STAGE_CURRENT,
		  "{\"username\":\"stranger\",\"password\":\"inactive-password\"}");
}

/* By its label, as one undoes an edit: to the version that holds what the database has. */
static void rename_proxy_user_back(struct world *world)
{
	const struct fake_version *pending = world_version(world, PROXY_SECRET_CLONE,
							   STAGE_PENDING);

	world_put(world, PROXY_SECRET_CLONE, pending != NULL ? pending->id : "proxy-2",
		  STAGE_CURRENT, NULL);
}

static void edit_proxy_secret(struct world *world)
{
	char edited[600];

	snprintf(edited, sizeof(edited), "%s ",
		 world_version(world, PROXY_SECRET_CLONE, STAGE_CURRENT)->value);
	put_by_hand(world, PROXY_SECRET_CLONE, edited);
}

static void cancel(struct world *world)
{
	world_secret(world, APPLICATION_SECRET)->rotation_enabled = false;
}

static void enable(struct world *world)
{
	world_secret(world, APPLICATION_SECRET)->rotation_enabled = true;
}

enum ends { BY_RETRY, BY_RETRY_OR_NEXT };

enum promise {
	ALWAYS,	       /* AWSCURRENT logs in, at the database and as its proxy secret has it */
	BUT_LAST_LOOK, /* the same, except where the step had looked at the labels already */
	AFTERWARDS,    /* the intruder took it away; it is there again when the trouble has ended */
};

static const struct intruder {
	const char *name;
	void (*act)(struct world *);
	void (*mend)(struct world *); /* what the operator does, NULL: nothing */
	unsigned shape;		      /* what the world must have for it */
	enum promise promise;
	enum ends ends;
	/* What createSecret, setSecret, testSecret and finishSecret may end with besides OK, and do
	 * at one call at least; the last also as testSecret, where it proves first. */
	unsigned classes[STEP_COUNT];
	unsigned refuses; /* the steps that never succeed when he was there before them */
} intruders[] = {
	/* clang-format off */
	{"the same step", same_step, NULL, 0, ALWAYS, BY_RETRY, {0}, 0},
	{"the whole rotation", rest_of_rotation, NULL, 0, ALWAYS, BY_RETRY, {0}, 0},
	{"give up", give_up, NULL, 0, ALWAYS, BY_RETRY_OR_NEXT,
	 {ON(CONFLICT), ON(CONFLICT), ON(CONFLICT), ON(CONFLICT)}, EVERY_STEP | LAST_LOOK},
	{"another rotation", other_rotation, NULL, 0, BUT_LAST_LOOK, BY_RETRY_OR_NEXT,
	 {ON(CONFLICT), ON(CONFLICT), ON(CONFLICT) | ON(DENIED), ON(CONFLICT)}, EVERY_STEP | LAST_LOOK},
	{"another rotation, half way", other_rotation_half_way, NULL, 0, BUT_LAST_LOOK,
	 BY_RETRY_OR_NEXT,
	 {ON(CONFLICT), ON(CONFLICT), ON(CONFLICT) | ON(DENIED), ON(CONFLICT)}, EVERY_STEP | LAST_LOOK},
	{"an edit of another key", edit_another_key, NULL, 0, ALWAYS, BY_RETRY_OR_NEXT,
	 {ON(CONFLICT), ON(CONFLICT), ON(CONFLICT), ON(CONFLICT)}, EVERY_STEP | LAST_LOOK},
	{"a roll back and forward", roll_back, roll_forward, 0, AFTERWARDS, BY_RETRY_OR_NEXT,
	 {ON(INVALID), ON(CONFLICT) | ON(INVALID), ON(INVALID), ON(CONFLICT)}, 0},
	{"the active password and its secrets", active_password_and_secret, NULL, 0, ALWAYS,
	 BY_RETRY_OR_NEXT,
	 {ON(CONFLICT), ON(CONFLICT) | ON(DENIED), ON(CONFLICT), ON(CONFLICT)}, EVERY_STEP | LAST_LOOK},
	{"the active password", active_password, active_password_back, 0, AFTERWARDS, BY_RETRY,
	 {0, ON(DENIED), 0, 0}, 0},
	{"garbage as the current value", put_garbage, take_garbage_back, 0, AFTERWARDS,
	 BY_RETRY_OR_NEXT,
	 {ON(CONFLICT) | ON(INVALID), ON(CONFLICT) | ON(INVALID), ON(INVALID), ON(CONFLICT)},
	 EVERY_STEP | LAST_LOOK},
	{"the inactive password", inactive_password, inactive_password_back, 0, AFTERWARDS,
	 BY_RETRY, {0, ON(DENIED), ON(DENIED), 0}, IN(TEST)},
	{"the inactive user dropped", drop_inactive, make_inactive_again, 0, AFTERWARDS, BY_RETRY,
	 {0, ON(DENIED) | ON(NOT_FOUND), ON(DENIED), 0}, IN(TEST)},
	{"a grant of the inactive user revoked", weaken_inactive, grant_again, 0, ALWAYS, BY_RETRY,
	 {0, 0, ON(INVALID), 0}, IN(TEST)},
	{"the admin's password", admin_password, admin_secret_follows, WORLD_ADMIN, ALWAYS,
	 BY_RETRY, {0, ON(DENIED), 0, 0}, IN(SET)},
	{"the admin's password and its secret", admin_password_and_secret, NULL, WORLD_ADMIN,
	 ALWAYS, BY_RETRY, {0, ON(DENIED), 0, 0}, 0},
	{"the secret deleted", delete_secret, restore_all, 0, ALWAYS, BY_RETRY,
	 {ON(INVALID), ON(INVALID), ON(INVALID), ON(INVALID)}, EVERY_STEP | LAST_LOOK},
	{"the proxy secret deleted", delete_proxy_secret, restore_all, WORLD_PROXIES_TOO, ALWAYS,
	 BY_RETRY, {ON(INVALID), ON(INVALID), 0, 0}, IN(CREATE) | IN(SET)},
	{"the admin secret deleted", delete_admin_secret, restore_all, WORLD_ADMIN, ALWAYS,
	 BY_RETRY, {0, ON(INVALID), 0, 0}, IN(SET)},
	{"the proxy secret's version removed", remove_proxy_version, NULL, WORLD_PROXIES_TOO,
	 ALWAYS, BY_RETRY, {0, ON(NOT_FOUND), 0, 0}, IN(SET)},
	{"the proxy secret's user renamed", rename_proxy_user, rename_proxy_user_back,
	 WORLD_PROXIES_TOO, AFTERWARDS, BY_RETRY,
	 {ON(INVALID), ON(INVALID) | ON(CONFLICT), ON(DENIED), 0}, IN(CREATE) | IN(SET) | IN(TEST)},
	{"an edit of the proxy secret", edit_proxy_secret, NULL, WORLD_PROXIES_TOO, ALWAYS,
	 BY_RETRY, {0, ON(CONFLICT), 0, 0}, 0},
	{"a cancelled rotation", cancel, enable, 0, ALWAYS, BY_RETRY, {0}, 0},
	/* clang-format on */
};
#define INTRUDERS (sizeof(intruders) / sizeof(intruders[0]))

static const unsigned shapes[] = {
	WORLD_PLAIN,
	WORLD_ADMIN,
	WORLD_PROXIES_TOO,
	WORLD_ADMIN | WORLD_PROXIES_TOO,
	WORLD_ADMIN | WORLD_CLONE_MISSING,
	WORLD_ADMIN | WORLD_CLONE_MISSING | WORLD_PROXIES_TOO,
};

/* One case. */
static struct scene {
	const struct intruder *who;
	unsigned shape;
	enum step step;
	bool proven; /* finishSecret runs in the process that ran testSecret */
	int n;
	int last_look; /* the call with which the step looks at the labels, undisturbed */
} scene;

static void intrude(struct world *world)
{
	world->intrude_at = 0;
	scene.who->act(world);
}

/* Every case is told, not the first only: what is wrong shows in what they have in common. */
static int problems;

static void problem(const char *what, const char *detail)
{
	problems++;
	print_error("%s before call %d of %s in shape %u: %s%s%s\n", scene.who->name, scene.n,
		    step_name(scene.step), scene.shape, what, detail[0] != '\0' ? ": " : "",
		    detail);
}

static bool logs_in(struct world *world, const char *id, enum stage stage)
{
	AUTO(credential_clear) struct credential written = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	const struct fake_version *version = world_version(world, id, stage);
	const struct fake_user *known;

	if (version == NULL || version->value == NULL ||
	    secret_make(version->value, strlen(version->value), &value).code != STATUS_OK ||
	    credential_parse(&value, id, &written).code != STATUS_OK)
		return false;
	known = world_user(world, written.username);
	return known != NULL && strcmp(known->password, secret_reveal(&written.password)) == 0;
}

static const char *active_proxy_secret(struct world *world)
{
	AUTO(credential_clear) struct credential current = CREDENTIAL_INIT;

	read_current(world, APPLICATION_SECRET, &current);
	return strcmp(current.username, "app") == 0 ? PROXY_SECRET_BASE : PROXY_SECRET_CLONE;
}

/* Directly, and through a proxy that has read its secret. */
static bool current_works(struct world *world)
{
	if (!logs_in(world, APPLICATION_SECRET, STAGE_CURRENT))
		return false;
	return !world->has_proxies || logs_in(world, active_proxy_secret(world), STAGE_CURRENT);
}

/* With what each step ended, at whatever call: a class that never comes has no place in the table. */
static unsigned ended[INTRUDERS][STEP_COUNT];

static void check_class(struct status first, bool after_last_look)
{
	const struct intruder *who = scene.who;
	unsigned may = who->classes[scene.step];
	bool refuses = (scene.n == 1 && (who->refuses & (1U << scene.step)) != 0) ||
		       (scene.step == STEP_SET && !after_last_look &&
			(who->refuses & LAST_LOOK) != 0);

	if (!refuses)
		may |= ON(OK);
	if (scene.step == STEP_FINISH)
		may |= who->classes[STEP_TEST];
	if ((may & (1U << first.code)) == 0)
		problem(first.code == STATUS_OK ? "it succeeded" : status_code_name(first.code),
			first.detail);
	ended[scene.who - intruders][scene.step] |= 1U << first.code;
}

static void check_that_every_class_came(void)
{
	for (size_t i = 0; i < INTRUDERS; i++)
		for (enum step step = 0; step < STEP_COUNT; step++)
			if ((intruders[i].classes[step] & ~ended[i][step]) != 0) {
				problems++;
				print_error("%s in %s: a class of the table never came\n",
					    intruders[i].name, step_name(step));
			}
}

/* The same rotation again; where that may not end it, given up and the next one. */
static void finish(struct world *world)
{
	struct status again = run_beside(world, world->token, STEP_CREATE, STEP_FINISH);

	if (again.code == STATUS_OK)
		return;
	if (scene.who->ends == BY_RETRY || again.code != STATUS_CONFLICT)
		problem("the retry", again.detail);
	drop_pending(world);
	world_put(world, APPLICATION_SECRET, NEXT_TOKEN, STAGE_PENDING, NULL);
	again = run_beside(world, NEXT_TOKEN, STEP_CREATE, STEP_FINISH);
	if (again.code != STATUS_OK)
		problem("the next rotation", again.detail);
}

/*
 * What the table says to do when the application's credential fails after all: the application gets
 * the pending version if that is what the database has, else the user gets the written password.
 */
static void repair(struct world *world)
{
	if (logs_in(world, APPLICATION_SECRET, STAGE_PENDING))
		move_current(world, APPLICATION_SECRET,
			     world_version(world, APPLICATION_SECRET, STAGE_PENDING)->id);
	else
		set_written_password(world, STAGE_CURRENT);
}

/* How often AWSCURRENT stopped working where a step had looked at the labels already. */
static int too_late[STEP_COUNT];

/* Whatever it was, it leaves nothing behind. */
static void rotate_once_more(struct world *world)
{
	struct status status;

	drop_pending(world);
	world_put(world, APPLICATION_SECRET, LAST_TOKEN, STAGE_PENDING, NULL);
	status = run_beside(world, LAST_TOKEN, STEP_CREATE, STEP_FINISH);
	if (status.code != STATUS_OK)
		problem("one more rotation", status.detail);
	if (!current_works(world) || !logs_in(world, APPLICATION_SECRET, STAGE_PREVIOUS))
		problem("AWSCURRENT or AWSPREVIOUS does not log in after one more rotation", "");
}

/* False: there was no n-th call, so nobody came. */
static bool play(void)
{
	struct world world;
	struct status first;
	bool came, after_last_look;

	world_make(&world, scene.shape);
	for (enum step before = 0; before < scene.step; before++)
		assert_ok(step_run(before, &world.rotation));
	world_reset_counts(&world);
	world.intrude_at = scene.n;
	world.intrude = intrude;
	step_now = scene.step;
	world_warm(&world, scene.proven);
	first = step_run(scene.step, &world.rotation);
	came = world.intrude_at == 0;
	world.intrude_at = 0;
	world_warm(&world, false);
	/* He may have made the way to the look longer; the step must not do without it for that. */
	after_last_look = scene.n > scene.last_look && scene.n > world.looked;
	check_class(first, after_last_look);

	if (scene.who->promise != AFTERWARDS && !current_works(&world)) {
		if (scene.who->promise == ALWAYS)
			problem("AWSCURRENT does not log in", "");
		too_late[scene.step]++;
		repair(&world);
	}
	if (world.trespasses > 0 && !after_last_look)
		problem("a user was changed whose turn it was not", world.breach);
	if (scene.who->mend != NULL && came)
		scene.who->mend(&world);
	finish(&world);
	if (!current_works(&world))
		problem("AWSCURRENT does not log in afterwards", "");
	/* A label moved by hand may have put it on a version that was replaced before. */
	if (scene.who->promise != AFTERWARDS &&
	    !logs_in(&world, APPLICATION_SECRET, STAGE_PREVIOUS))
		problem("AWSPREVIOUS does not log in afterwards", "");
	rotate_once_more(&world);
	world_clear(&world);
	return came;
}

static int find_last_look(unsigned shape, enum step step)
{
	struct world world;
	int looked;

	world_make(&world, shape);
	for (enum step before = 0; before < step; before++)
		assert_ok(step_run(before, &world.rotation));
	world_reset_counts(&world);
	assert_ok(step_run(step, &world.rotation));
	looked = world.looked;
	world_clear(&world);
	return looked;
}

/* Every call of one step. */
static int play_step(const struct intruder *who, unsigned shape, enum step step, bool proven)
{
	scene = (struct scene){who, shape, step, proven, 0, find_last_look(shape, step)};
	assert_true(step == STEP_TEST || scene.last_look > 0);
	do {
		scene.n++;
	} while (play());
	return scene.n;
}

static void steps_with_an_intruder_before_any_call_end_as_the_table_says(void **state)
{
	int played = 0;

	(void)state;
	for (size_t i = 0; i < INTRUDERS; i++)
		for (size_t j = 0; j < sizeof(shapes) / sizeof(shapes[0]); j++) {
			const struct intruder *who = &intruders[i];

			if ((who->shape & shapes[j]) != who->shape)
				continue;
			for (enum step step = 0; step < STEP_COUNT; step++)
				played += play_step(who, shapes[j], step, false);
			played += play_step(who, shapes[j], STEP_FINISH, true);
		}
	check_that_every_class_came();
	assert_int_equal(problems, 0);
	/* A loop that ended at once would prove nothing. */
	assert_in_range(played, 2000, 20000);
	assert_int_equal(too_late[STEP_CREATE], 0);
	assert_int_equal(too_late[STEP_TEST], 0);
	/* Between the last look and the change the user is locked. */
	assert_int_equal(too_late[STEP_SET], 0);
	/*
	 * Another rotation that gets half way after finishSecret looked, and sets another password: in
	 * each of the 6 shapes before the label moves, whether the proof was made before (6) or in
	 * this step (6); and in the 3 without a proxy, which would refuse the password, between the
	 * proof's login and its comparison of the users (3).
	 */
	assert_int_equal(too_late[STEP_FINISH], 15);
	print_message("%d intrusions; after the last look: setSecret %d, finishSecret %d\n", played,
		      too_late[STEP_SET], too_late[STEP_FINISH]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_with_an_intruder_before_any_call_end_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
