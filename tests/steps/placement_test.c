/* placement: whom the steps ask where a password belongs, and where they never send one. */
#include "test.h"

#include "fakes/world.h"
#include "steps/inspect.h"

#include <stdio.h>

#define MANAGED (WORLD_ADMIN | WORLD_MANAGED)
#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

static struct status run_all(struct world *world)
{
	for (enum step step = 0; step < STEP_COUNT; step++) {
		world_warm(world, step == STEP_FINISH);
		TRY(step_run(step, &world->rotation));
	}
	return OK;
}

/* Up to setSecret, which is what all this is about. */
static void begin(struct world *world, unsigned shape)
{
	world_make(world, shape);
	assert_ok(create_secret(&world->rotation));
	world_reset_counts(world);
}

/* Nothing happened: no admin was there, no password changed, none was told to a stranger. */
static void assert_untouched(struct world *world)
{
	assert_int_equal(world->leaks, 0);
	assert_int_equal(world_user(world, "app-clone")->changes, 0);
	assert_int_equal(world_user(world, "app")->changes, 0);
	assert_string_equal(world->breach, "");
}

static void put_admin(struct world *world, const char *fields)
{
	char value[300];

	snprintf(value, sizeof(value),
		 "{%s\"username\": \"admin\", \"password\": \"admin-password\"}", fields);
	world_put(world, ADMIN_SECRET, "admin-1", STAGE_CURRENT, value);
}

/* The current and the pending version with another host. */
static void name_host(struct world *world, const char *host)
{
	for (enum stage stage = STAGE_CURRENT; stage <= STAGE_PENDING; stage++) {
		struct fake_version *version = world_version(world, APPLICATION_SECRET, stage);
		char id[VERSION_ID_MAX + 1], changed[700];
		const char *at;

		if (version == NULL || version->value == NULL)
			continue;
		at = strstr(version->value, "\"" DATABASE "\"");
		memcpy(id, version->id, sizeof(id));
		snprintf(changed, sizeof(changed), "%.*s\"%s\"%s", (int)(at - version->value),
			 version->value, host, at + strlen("\"" DATABASE "\""));
		world_put(world, APPLICATION_SECRET, id, stage, changed);
	}
}

static void secrets_that_name_their_host_cost_no_look_up(void **state)
{
	static const unsigned shapes[] = {WORLD_PLAIN, WORLD_ADMIN, WORLD_ADMIN | WORLD_PROXIES_TOO,
					  WORLD_OTHER_KEYS};

	(void)state;
	for (size_t i = 0; i < SIZE(shapes); i++) {
		struct world world;

		world_make(&world, shapes[i]);
		assert_ok(run_all(&world));
		assert_int_equal(world.lookups, 0);
		world_clear(&world);
	}
}

/* How often the directory is asked: for the owner, for the writer; again only by a test that waits. */
static void rotation_of_a_placed_database_ends_with_the_other_user(void **state)
{
	static const struct {
		unsigned shape;
		int set, test;
	} cases[] = {
		{MANAGED, 1, 0},
		{MANAGED | WORLD_CLONE_MISSING | WORLD_PROXIES_TOO, 1, 0},
		{WORLD_READER, 1, 1},
		{WORLD_READER | WORLD_ADMIN, 1, 1},
		{WORLD_READER | WORLD_ADMIN | WORLD_PROXIES_TOO, 1, 1},
		{WORLD_READER | MANAGED, 2, 2},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		struct world world;

		begin(&world, cases[i].shape);
		assert_ok(set_secret(&world.rotation));
		assert_int_equal(world.lookups, cases[i].set);
		world.lookups = 0;
		assert_ok(test_secret(&world.rotation));
		assert_int_equal(world.lookups, cases[i].test);
		assert_ok(finish_secret(&world.rotation));
		assert_int_equal(world_user(&world, "app-clone")->changes, 1);
		assert_int_equal(world.leaks, 0);
		world_assert_invariants(&world, "app-clone", true);
		/* And back again. */
		world_begin_rotation(&world, "token-0000000000000000000000000002");
		assert_ok(run_all(&world));
		world_assert_invariants(&world, "app", true);
		assert_string_equal(world.breach, "");
		world_clear(&world);
	}
}

static void admin_without_host_and_tag_is_refused(void **state)
{
	struct world world;

	(void)state;
	begin(&world, MANAGED);
	world_secret(&world, ADMIN_SECRET)->owner = NULL;
	assert_failed(set_secret(&world.rotation), STATUS_INVALID,
		      "has no \"host\", and no tag of RDS says whose it is");
	assert_int_equal(world.lookups, 0);
	assert_int_equal(world.logins, 0);
	assert_untouched(&world);
	world_clear(&world);
}

/* What is wrong is not made good by the tag. */
static void admin_whose_host_is_no_text_is_refused(void **state)
{
	struct world world;

	(void)state;
	begin(&world, MANAGED);
	put_admin(&world, "\"host\": 7, ");
	assert_failed(set_secret(&world.rotation), STATUS_INVALID, "\"host\" is not a text");
	assert_int_equal(world.lookups, 0);
	assert_untouched(&world);
	world_clear(&world);
}

/* The tag decides, whatever host whoever may write the application secret puts there. */
static void managed_admin_is_sent_to_its_own_database_only(void **state)
{
	static const char *const hosts[] = {"evil.example", "other.example", "db.example.org"};

	(void)state;
	for (size_t i = 0; i < SIZE(hosts); i++)
		for (unsigned reader = 0; reader <= WORLD_READER; reader += WORLD_READER) {
			struct world world;
			struct status status;

			begin(&world, MANAGED | reader);
			name_host(&world, hosts[i]);
			status = set_secret(&world.rotation);
			assert_failed(status, STATUS_INVALID, hosts[i]);
			assert_failed(status, STATUS_INVALID, reader ? WRITER : DATABASE);
			assert_int_equal(world.logins, 0);
			assert_untouched(&world);
			world_clear(&world);
		}
}

static void managed_admin_of_another_database_is_not_told(void **state)
{
	struct world world;

	(void)state;
	begin(&world, MANAGED);
	world_secret(&world, ADMIN_SECRET)->owner = "another";
	assert_failed(set_secret(&world.rotation), STATUS_INVALID, "is for other.example:1234");
	assert_int_equal(world.logins, 0);
	assert_untouched(&world);

	world_secret(&world, ADMIN_SECRET)->owner = "gone";
	assert_failed(set_secret(&world.rotation), STATUS_NOT_FOUND,
		      "looking up where 'gone' is, the database of the admin secret '" ADMIN_SECRET
		      "': there is no database");
	assert_untouched(&world);
	world_clear(&world);
}

/* Who is a replica of whom says the directory alone. */
static void admin_of_another_writer_is_not_told(void **state)
{
	struct world world;

	(void)state;
	begin(&world, WORLD_READER | WORLD_ADMIN);
	world.hosts[1].writer = "other.example"; /* DATABASE reads what is written there */
	assert_failed(set_secret(&world.rotation), STATUS_INVALID,
		      "its password will not be sent there");
	assert_int_equal(world.logins, 0);
	assert_untouched(&world);
	world_clear(&world);
}

static void admin_of_another_address_of_the_writer_goes_to_the_writer(void **state)
{
	struct world world;

	(void)state;
	begin(&world, WORLD_READER | WORLD_ADMIN);
	world.hosts[3] = (struct fake_host){"member.example", WRITER, NULL, "fake"};
	put_admin(&world, "\"host\": \"member.example\", ");
	assert_ok(set_secret(&world.rotation));
	assert_int_equal(world_user(&world, "app-clone")->changes, 1);
	assert_int_equal(world.leaks, 0);
	world_clear(&world);

	/* The application's is the writer's own. */
	begin(&world, WORLD_ADMIN);
	world.hosts[3] = (struct fake_host){"member.example", DATABASE, NULL, "fake"};
	put_admin(&world, "\"host\": \"member.example\", ");
	assert_ok(set_secret(&world.rotation));
	assert_int_equal(world_user(&world, "app-clone")->changes, 1);

	/* On that one's port: no other is the writer's. */
	world_reset_counts(&world);
	name_host(&world, DATABASE "\", \"port\": 4321, \"unused\": \"");
	assert_failed(set_secret(&world.rotation), STATUS_INVALID,
		      "is for db.example:1234, but the secret under rotation is for "
		      "db.example:4321");
	assert_int_equal(world.logins, 0);
	world_clear(&world);
	begin(&world, WORLD_ADMIN);

	/* That of a host nobody knows stays where it is. */
	put_admin(&world, "\"host\": \"unknown.example\", ");
	world_reset_counts(&world);
	assert_failed(set_secret(&world.rotation), STATUS_INVALID, "unknown.example");
	assert_int_equal(world.logins, 0);
	world_clear(&world);
}

static void engine_of_another_kind_is_refused(void **state)
{
	static const char *const engines[] = {"aurora", "postgres"};

	(void)state;
	for (size_t i = 0; i < SIZE(engines); i++) {
		struct world world;

		begin(&world, MANAGED);
		world.hosts[1].engine = engines[i];
		assert_failed(set_secret(&world.rotation), STATUS_INVALID, engines[i]);
		assert_int_equal(world.logins, 0);
		world_clear(&world);

		begin(&world, WORLD_READER | WORLD_ADMIN);
		world.hosts[1].engine = engines[i];
		assert_failed(set_secret(&world.rotation), STATUS_INVALID, engines[i]);
		assert_int_equal(world.logins, 0);
		world_clear(&world);
	}
}

static void managed_admin_on_another_port_is_refused(void **state)
{
	struct world world;

	(void)state;
	begin(&world, MANAGED);
	name_host(&world, DATABASE "\", \"port\": 4321, \"unused\": \"");
	assert_failed(set_secret(&world.rotation), STATUS_INVALID,
		      "is for db.example:1234, but the secret under rotation is for "
		      "db.example:4321");
	assert_int_equal(world.logins, 0);
	world_clear(&world);
}

/* RDS_HOST is the operator's word for secrets that name none: for both. */
static void host_of_the_configuration_needs_no_look_up(void **state)
{
	struct world world;

	(void)state;
	begin(&world, MANAGED);
	world.config.host = DATABASE;
	world_put(&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		  "{\"engine\": \"fake\", \"username\": \"app\", \"password\": \"active-password\","
		  " \"masterarn\": \"" ADMIN_SECRET "\", \"rotation_usernames\": [\"app\", "
		  "\"app-clone\"]}");
	world_begin_rotation(&world, "token-0000000000000000000000000002");
	assert_ok(run_all(&world));
	assert_int_equal(world.lookups, 0);
	world_clear(&world);
}

static void look_up_that_fails_says_what_it_was_for(void **state)
{
	struct world world;

	(void)state;
	begin(&world, WORLD_READER | WORLD_ADMIN);
	world.fail_at = 3; /* pending, all that is current, this */
	world.answer = STATUS_DENIED;
	assert_failed(
		set_secret(&world.rotation), STATUS_DENIED,
		"looking up whether db.example, where the application logs in, is a reader of "
		"writer.example");
	assert_untouched(&world);
	world_clear(&world);

	begin(&world, WORLD_READER | WORLD_ADMIN);
	put_admin(&world, "\"host\": \"member.example\", ");
	world.fail_at = 4;
	world.answer = STATUS_UNAVAILABLE;
	assert_failed(set_secret(&world.rotation), STATUS_UNAVAILABLE,
		      "looking up whether member.example, the admin's host, and writer.example are "
		      "the same database");
	assert_untouched(&world);
	world_clear(&world);

	begin(&world, MANAGED);
	world_secret(&world, ADMIN_SECRET)->describe_denied = true;
	assert_failed(set_secret(&world.rotation), STATUS_DENIED, "reading in its tags");
	assert_untouched(&world);
	world_clear(&world);
}

static void reader_that_stays_behind_is_told_from_a_wrong_password(void **state)
{
	struct world world;

	(void)state;
	begin(&world, WORLD_READER | WORLD_ADMIN);
	assert_ok(set_secret(&world.rotation));
	world.config.proxy_wait = 3;
	world.reader_lag = 1000;
	assert_failed(test_secret(&world.rotation), STATUS_DENIED,
		      "the reader db.example:1234 did not accept the new password of 'app-clone' "
		      "within 2 s (does it lag behind its writer?)");
	world.reader_lag = 0;
	assert_ok(test_secret(&world.rotation));
	world_clear(&world);
}

/* One try: no reader lags there. And nobody is asked, for the admin's secret names the host. */
static void database_that_refuses_is_not_asked_again(void **state)
{
	struct world world;

	(void)state;
	begin(&world, WORLD_ADMIN);
	assert_ok(set_secret(&world.rotation));
	snprintf(world_user(&world, "app-clone")->password, 20, "by-hand");
	assert_failed(test_secret(&world.rotation), STATUS_DENIED, "with the pending password");
	assert_int_equal(world_user(&world, "app-clone")->wrong_tries, 1);
	assert_int_equal(world.lookups, 0);

	/* What keeps us from knowing is said besides. */
	world_put(&world, ADMIN_SECRET, "admin-1", STAGE_CURRENT, "no JSON");
	assert_failed(test_secret(&world.rotation), STATUS_DENIED,
		      "whether that is a reader, which is only late, could not be found out");
	world_clear(&world);
}

/* Without an admin: what is kept may name either, since one is read where the other is written. */
static void users_of_a_reader_change_their_own_passwords_at_its_writer(void **state)
{
	static const char *const kept[] = {"", "\"host\": \"" DATABASE "\", ",
					   "\"host\": \"" WRITER "\", "};

	(void)state;
	for (size_t i = 0; i < SIZE(kept); i++) {
		struct world world;
		char value[200];

		begin(&world, WORLD_READER);
		snprintf(value, sizeof(value),
			 "{%s\"username\": \"app-clone\", \"password\": \"inactive-password\"}",
			 kept[i]);
		world_put(&world, APPLICATION_SECRET, "version-0", STAGE_PREVIOUS, value);
		assert_ok(set_secret(&world.rotation));
		assert_int_equal(world_user(&world, "app-clone")->changes, 1);
		assert_int_equal(world.leaks, 0);
		world_clear(&world);
	}
}

/* Its password is proven where it was changed, and at once: nothing that a reader could do. */
static void single_user_of_a_reader_is_refused(void **state)
{
	static const unsigned shapes[] = {WORLD_ONE_USER | WORLD_READER,
					  WORLD_ONE_USER | WORLD_READER | WORLD_ADMIN,
					  WORLD_ONE_USER | WORLD_READER | MANAGED};

	(void)state;
	for (size_t i = 0; i < SIZE(shapes); i++) {
		struct world world;

		begin(&world, shapes[i]);
		assert_failed(set_secret(&world.rotation), STATUS_INVALID,
			      "db.example is a reader of writer.example: the password of one user "
			      "alone is not changed behind a reader");
		assert_int_equal(world.logins, 0);
		assert_int_equal(world_user(&world, "app")->changes, 0);
		world_clear(&world);
	}
}

static void single_user_with_a_managed_admin_is_rotated(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, WORLD_ONE_USER | MANAGED);
	for (enum step step = 0; step < STEP_COUNT; step++)
		assert_ok(step_run(step, &world.rotation));
	assert_int_equal(world_user(&world, "app")->changes, 1);
	assert_int_equal(world.leaks, 0);
	world_clear(&world);
}

static void reader_by_its_name_that_nobody_knows_is_refused(void **state)
{
	static const unsigned shapes[] = {WORLD_READER, WORLD_READER | WORLD_ADMIN};

	(void)state;
	for (size_t i = 0; i < SIZE(shapes); i++) {
		struct world world;

		begin(&world, shapes[i]);
		world.hosts[1].host = NULL;
		world.name_tells = true;
		if ((shapes[i] & WORLD_ADMIN) != 0)
			put_admin(&world, "\"host\": \"" DATABASE "\", ");
		assert_failed(set_secret(&world.rotation), STATUS_NOT_FOUND,
			      "whether db.example is a reader, as its name says");
		assert_untouched(&world);
		world_clear(&world);
	}
}

/* Who ended whose former password, and where. */
static struct {
	struct database_ops ops;
	struct database_driver driver;
	const struct database_driver *drivers[2];
	struct status (*drop_former)(struct database *, const char *user);
	char user[64], host[80]; /* of the session that was opened last */
	char drops[400];
} keeping;

static struct status note_drop(struct database *db, const char *user)
{
	size_t used = strlen(keeping.drops);

	snprintf(keeping.drops + used, sizeof(keeping.drops) - used, "%s as %s at %s;", user,
		 keeping.user, keeping.host);
	return keeping.drop_former(db, user);
}

static const struct database_driver *dual_driver(void)
{
	return database_driver_find(fake_drivers, "dual");
}

static struct status open_keeping(const struct login *login, const char *user,
				  const struct secret *password, struct deadline deadline,
				  struct database **ret)
{
	TRY(dual_driver()->open(login, user, password, deadline, ret));
	snprintf(keeping.user, sizeof(keeping.user), "%s", user);
	snprintf(keeping.host, sizeof(keeping.host), "%s", login->host);
	keeping.ops = *(*ret)->ops;
	keeping.drop_former = keeping.ops.drop_former;
	keeping.ops.drop_former = note_drop;
	(*ret)->ops = &keeping.ops;
	return OK;
}

/* Where nothing can be changed it cannot be ended either; nor is the admin sent to another place. */
static void former_password_is_ended_at_the_writer(void **state)
{
	static const struct {
		unsigned shape;
		bool users_may_not;
		const char *drops;
	} cases[] = {
		{WORLD_PLAIN, false, "app as app at db.example;"},
		{MANAGED, false, "app as app at db.example;"},
		{MANAGED, true, "app as app at db.example;app as admin at db.example;"},
		{WORLD_READER, false, "app as app at db.example;app as app at writer.example;"},
		{WORLD_READER | WORLD_ADMIN, false,
		 "app as app at db.example;app as app at writer.example;"},
		{WORLD_READER | MANAGED, true,
		 "app as app at db.example;app as app at writer.example;"
		 "app as admin at writer.example;"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		struct world world;

		world_make(&world, cases[i].shape | WORLD_TWO_PASSWORDS);
		keeping.driver = *dual_driver();
		keeping.driver.open = open_keeping;
		keeping.drivers[0] = &keeping.driver;
		world.keeps_nothing = cases[i].users_may_not;
		keeping.drops[0] = '\0';
		world.rotation.drivers = keeping.drivers;
		for (enum step step = 0; step < STEP_COUNT; step++) {
			world.lookups = 0;
			assert_ok(step_run(step, &world.rotation));
		}
		/* Nobody is asked where the first try has done it. */
		if (strcmp(keeping.drops, "app as app at db.example;") == 0)
			assert_int_equal(world.lookups, 0);
		assert_string_equal(keeping.drops, cases[i].drops);
		assert_int_equal(world.report.note_count, 0);
		assert_int_equal(world.leaks, 0);
		world_clear(&world);
	}
}

/* Since setSecret its secret may have become one of the ring's. */
static void former_password_is_not_ended_by_one_of_the_ring(void **state)
{
	struct world world;
	int logins;

	(void)state;
	world_make(&world, WORLD_ADMIN | WORLD_TWO_PASSWORDS);
	for (enum step step = 0; step < STEP_FINISH; step++)
		assert_ok(step_run(step, &world.rotation));
	world.keeps_nothing = true;
	world_put(&world, ADMIN_SECRET, "admin-2", STAGE_CURRENT,
		  "{\"host\": \"db.example\", \"username\": \"app\", \"password\": "
		  "\"active-password\"}");
	logins = world.logins;
	assert_ok(finish_secret(&world.rotation));
	assert_int_equal(world.report.note_count, 1);
	assert_non_null(strstr(world.report.notes[0], "one of the users that take turns"));
	/* Both proofs of testSecret, and the user itself; not that admin. */
	assert_int_equal(world.logins, logins + 3);
	world_clear(&world);
}

static const struct finding *look_for(struct world *world, const char *kind)
{
	static const struct finding none = {.kind = "none"};
	static struct inspection found;

	world_version(world, APPLICATION_SECRET, STAGE_PENDING)->labels[STAGE_PENDING] = false;
	world->proxy_lag = 0;
	world_reset_counts(world);
	found.count = 0;
	inspect_check(&world->rotation, &found);
	assert_int_equal(world->leaks, 0);
	for (size_t i = 0; i < found.count; i++)
		if (strcmp(found.findings[i].kind, kind) == 0)
			return &found.findings[i];
	return &none;
}

static void check_goes_where_set_secret_will(void **state)
{
	static const struct {
		unsigned shape;
		const char *detail;
	} cases[] = {
		{WORLD_ADMIN, "at db.example:1234"},
		{MANAGED, "at db.example:1234"},
		{WORLD_READER | WORLD_ADMIN, "at writer.example:1234"},
		{WORLD_READER | MANAGED, "at writer.example:1234"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		const struct finding *finding;
		struct world world;

		world_make(&world, cases[i].shape);
		finding = look_for(&world, "admin");
		assert_string_equal(finding->detail, cases[i].detail);
		assert_int_equal(finding->severity, FINDING_GOOD);
		world_clear(&world);
	}
}

static void check_of_what_set_secret_will_refuse_says_why(void **state)
{
	const struct finding *finding;
	struct world world;

	(void)state;
	world_make(&world, MANAGED);
	world_secret(&world, ADMIN_SECRET)->owner = "another";
	finding = look_for(&world, "admin");
	assert_non_null(strstr(finding->detail, "its password will not be sent there"));
	assert_int_equal(finding->severity, FINDING_BAD);
	world_clear(&world);

	world_make(&world, WORLD_READER);
	world.hosts[1].host = NULL;
	finding = look_for(&world, "writer");
	assert_non_null(strstr(finding->detail, "as its name says"));
	assert_int_equal(finding->severity, FINDING_BAD);
	assert_string_equal(finding->name, DATABASE);
	assert_string_equal(finding->user, "app");
	world_clear(&world);

	world_make(&world, WORLD_READER);
	assert_string_equal(look_for(&world, "writer")->kind, "none");
	world_clear(&world);
}

/* Each call fails in turn, until it is the active user's login there. */
static void check_sends_no_admin_where_the_writer_refuses_the_active_user(void **state)
{
	bool reached = false;

	(void)state;
	for (int n = 1; n < 100 && !reached; n++) {
		struct inspection found = {.count = 0};
		struct world world;

		world_make(&world, WORLD_READER | WORLD_ADMIN);
		world.fail_at = n;
		world.answer = STATUS_DENIED;
		inspect_check(&world.rotation, &found);
		reached = strcmp(world.failed_call, "open") == 0 &&
			  strcmp(world.failed_place, WRITER) == 0 &&
			  strcmp(world.failed_user, "app") == 0;
		for (size_t i = 0; reached && i < found.count; i++)
			if (strcmp(found.findings[i].kind, "admin") == 0) {
				assert_string_equal(found.findings[i].state, "refused");
				assert_non_null(strstr(found.findings[i].detail,
						       "logging in as 'app' where db.example is "
						       "written"));
			}
		/* Both users at the reader, and this one; not the admin. */
		if (reached)
			assert_int_equal(world.logins, 2);
		world_clear(&world);
	}
	assert_true(reached);
}

/* Nothing of it is asked for by status. */
static void status_looks_nothing_up(void **state)
{
	struct inspection found = {.count = 0};
	struct world world;

	(void)state;
	world_make(&world, WORLD_READER | MANAGED);
	inspect_status(&world.rotation, &found);
	assert_int_equal(world.lookups, 0);
	world_clear(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_that_name_their_host_cost_no_look_up),
		cmocka_unit_test(rotation_of_a_placed_database_ends_with_the_other_user),
		cmocka_unit_test(admin_without_host_and_tag_is_refused),
		cmocka_unit_test(admin_whose_host_is_no_text_is_refused),
		cmocka_unit_test(managed_admin_is_sent_to_its_own_database_only),
		cmocka_unit_test(managed_admin_of_another_database_is_not_told),
		cmocka_unit_test(admin_of_another_writer_is_not_told),
		cmocka_unit_test(admin_of_another_address_of_the_writer_goes_to_the_writer),
		cmocka_unit_test(engine_of_another_kind_is_refused),
		cmocka_unit_test(managed_admin_on_another_port_is_refused),
		cmocka_unit_test(host_of_the_configuration_needs_no_look_up),
		cmocka_unit_test(look_up_that_fails_says_what_it_was_for),
		cmocka_unit_test(reader_that_stays_behind_is_told_from_a_wrong_password),
		cmocka_unit_test(database_that_refuses_is_not_asked_again),
		cmocka_unit_test(users_of_a_reader_change_their_own_passwords_at_its_writer),
		cmocka_unit_test(single_user_of_a_reader_is_refused),
		cmocka_unit_test(single_user_with_a_managed_admin_is_rotated),
		cmocka_unit_test(reader_by_its_name_that_nobody_knows_is_refused),
		cmocka_unit_test(former_password_is_ended_at_the_writer),
		cmocka_unit_test(former_password_is_not_ended_by_one_of_the_ring),
		cmocka_unit_test(check_goes_where_set_secret_will),
		cmocka_unit_test(check_of_what_set_secret_will_refuse_says_why),
		cmocka_unit_test(check_sends_no_admin_where_the_writer_refuses_the_active_user),
		cmocka_unit_test(status_looks_nothing_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
