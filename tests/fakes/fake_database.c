/* The database port in memory: a server with users, and a proxy that knows what its secrets hold.
 */
#include "fakes/world.h"

#include "core/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world *fake_driver_world;

struct fake_database {
	struct database base;
	struct world *world;
	char user[64], host[80];
	struct deadline deadline; /* of the session, and so of every call in it */
	bool locked;		  /* a change is begun; when it is made, it waits for commit() */
	char changing[64];	  /* whom; "" = nobody yet */
	char password[160];
	bool adds;	    /* the password, to the present one */
	bool adds_to_kept;  /* which is the one that is kept */
	bool two_passwords; /* the engine has them */
};

/* `user`: whom the session does it to. */
static struct world_call call_of(const struct fake_database *db, const char *name, const char *user)
{
	return (struct world_call){
		.name = name, .place = db->host, .user = user, .deadline = db->deadline};
}

static bool password_is(const char *known, const struct secret *tried)
{
	return strcmp(known, secret_reveal(tried)) == 0;
}

/* What the proxy would check a login against: AWSCURRENT of the user's proxy secret. */
static bool proxy_knows(struct world *world, const char *user, const struct secret *password)
{
	static const char *const ids[] = {PROXY_SECRET_BASE, PROXY_SECRET_CLONE,
					  PROXY_SECRET_THIRD};

	for (size_t i = 0; i < 3; i++) {
		const struct fake_version *version = world_version(world, ids[i], STAGE_CURRENT);
		AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;
		AUTO(secret_clear) struct secret value = SECRET_INIT;

		if (version == NULL ||
		    secret_make(version->value, strlen(version->value), &value).code ||
		    credential_parse(&value, ids[i], &credential).code)
			continue;
		if (strcmp(credential.username, user) == 0 &&
		    secret_equal(&credential.password, password))
			return true;
	}
	return false;
}

static bool only_reads(const struct world *world, const char *host)
{
	return world->is_reader && strcmp(host, DATABASE) == 0;
}

/* A replica has no transaction that writes, whoever asks. */
static struct status refuse_to_write(const struct fake_database *db)
{
	if (only_reads(db->world, db->host))
		return failure(STATUS_UNAVAILABLE, "%s is in a read-only transaction", db->host);
	return OK;
}

static bool change(struct world *world, const char *user, const struct secret *password)
{
	struct fake_user *known = world_user(world, user);

	watch_change(world, user);
	if (known == NULL)
		return false;
	if (!password_is(known->password, password)) {
		known->changes++;
		world->reader_seen = 0;
		world->effects++;
		memset(known->proven, 0, sizeof(known->proven));
	}
	snprintf(known->password, sizeof(known->password), "%s", secret_reveal(password));
	return true;
}

/* What goes on being accepted: the password, or, if that is the new one already, what is kept. */
static void keep_former(struct world *world, const char *user, const struct secret *password)
{
	struct fake_user *known = world_user(world, user);

	if (known != NULL && !world->keeps_nothing && !password_is(known->password, password))
		memcpy(known->former, known->password, sizeof(known->former));
}

static bool begin_change(struct fake_database *db, const char *user, const struct secret *password)
{
	if (!db->locked)
		return change(db->world, user, password);
	snprintf(db->changing, sizeof(db->changing), "%s", user);
	snprintf(db->password, sizeof(db->password), "%s", secret_reveal(password));
	return true;
}

/* Whoever has it is in the middle of a step of this thread: waiting would be for ever. */
static struct status fake_lock_user(struct database *base, const char *user)
{
	struct fake_database *db = (struct fake_database *)base;
	AUTO(world_leave) struct world *world = world_enter(db->world);
	struct world_call call = call_of(db, "lock_user", user);
	struct fake_user *known = world_user(world, user);

	TRY(world_begin_call(world, &call));
	if (known == NULL)
		known = &world->nobody;
	if (known->locked_by != NULL && known->locked_by != db)
		return failure(STATUS_UNAVAILABLE, "another rotation is just changing '%s'", user);
	known->locked_by = db;
	db->locked = true;
	return world_end_call(world, &call);
}

static void unlock(struct fake_database *db)
{
	for (size_t i = 0; i < WORLD_USERS; i++)
		if (db->world->users[i].locked_by == db)
			db->world->users[i].locked_by = NULL;
	if (db->world->nobody.locked_by == db)
		db->world->nobody.locked_by = NULL;
	db->locked = false;
}

static struct status fake_commit(struct database *base)
{
	struct fake_database *db = (struct fake_database *)base;
	AUTO(world_leave) struct world *world = world_enter(db->world);
	AUTO(secret_clear) struct secret password = SECRET_INIT;
	struct world_call call = call_of(db, "commit", db->changing);

	TRY(world_begin_call(world, &call));
	if (!db->locked || db->changing[0] == '\0')
		return failure(STATUS_INTERNAL, "there is no change to commit");
	if (world_user(world, db->changing) == NULL)
		snprintf(world_user(world, "")->name, sizeof(db->changing), "%s", db->changing);
	TRY(secret_make(db->password, strlen(db->password), &password));
	if (db->adds && world->keeps_nothing) {
		TRY(world_end_call(world, &call));
		return failure(STATUS_DENIED, "'%s' may not keep a password", db->user);
	}
	if (db->two_passwords && !db->adds_to_kept)
		keep_former(world, db->changing, &password);
	change(world, db->changing, &password);
	db->changing[0] = '\0'; /* the lock stays */
	return world_end_call(world, &call);
}

static struct status fake_set_password(struct database *base, const char *user,
				       const struct secret *password)
{
	struct fake_database *db = (struct fake_database *)base;
	AUTO(world_leave) struct world *world = world_enter(db->world);
	struct world_call call = call_of(db, "set_password", user);

	TRY(world_begin_call(world, &call));
	TRY(refuse_to_write(db));
	if (strcmp(db->user, "admin") != 0 &&
	    (strcmp(db->user, user) != 0 || world->may_not_change_itself))
		return failure(STATUS_DENIED, "'%s' may not change '%s'", db->user, user);
	if (world_user(world, user) == NULL || !begin_change(db, user, password)) {
		watch_change(world, user);
		return failure(STATUS_NOT_FOUND, "no user '%s'", user);
	}
	return world_end_call(world, &call);
}

static struct status fake_put_user_like(struct database *base, const char *user, const char *model,
					const struct secret *password, bool *created)
{
	struct fake_database *db = (struct fake_database *)base;
	AUTO(world_leave) struct world *world = world_enter(db->world);
	struct world_call call = call_of(db, "put_user_like", user);
	struct fake_user *room = world_user(world, "");

	TRY(world_begin_call(world, &call));
	TRY(refuse_to_write(db));
	*created = world_user(world, user) == NULL;
	if (*created && world->may_not_create)
		return failure(STATUS_DENIED, "'%s' may not create users", db->user);
	if (*created && world_user(world, model) == NULL)
		return failure(STATUS_NOT_FOUND, "no user '%s'", model);
	if (*created && !db->locked)
		snprintf(room->name, sizeof(room->name), "%s", user);
	begin_change(db, user, password);
	return world_end_call(world, &call);
}

static struct status fake_compare_users(struct database *base, const char *user,
					struct database *of_model, const char *model)
{
	struct fake_database *db = (struct fake_database *)base;
	AUTO(world_leave) struct world *world = world_enter(db->world);
	struct world_call call = call_of(db, "compare_users", user);
	const struct fake_user *compared = world_user(world, user);

	TRY(world_begin_call(world, &call));
	TRY(world_end_call(world, &call));
	if (db->two_passwords != (of_model != NULL) || strcmp(db->user, user) != 0 ||
	    (of_model != NULL && strcmp(((struct fake_database *)of_model)->user, model) != 0))
		return failure(STATUS_INTERNAL, "'%s' and '%s' are compared in other sessions",
			       user, model);
	if (compared == world_user(world, model))
		return failure(STATUS_INTERNAL, "'%s' was compared with itself", user);
	if (compared->weak)
		return failure(STATUS_INVALID, "'%s' may not do what '%s' may: missing SELECT on t",
			       user, model);
	return OK;
}

static struct status fake_add_password(struct database *base, const char *user,
				       const struct secret *present, const struct secret *password)
{
	struct fake_database *db = (struct fake_database *)base;
	AUTO(world_leave) struct world *world = world_enter(db->world);
	struct world_call call = call_of(db, "add_password", user);
	const struct fake_user *known = world_user(world, user);

	TRY(world_begin_call(world, &call));
	TRY(refuse_to_write(db));
	if (known == NULL)
		return failure(STATUS_NOT_FOUND, "no user '%s'", user);
	if (!password_is(known->password, present) && !password_is(known->former, present))
		return failure(STATUS_CONFLICT, "'%s' has another password", user);
	begin_change(db, user, password);
	db->adds = true;
	db->adds_to_kept = !password_is(known->password, present);
	return world_end_call(world, &call);
}

static struct status fake_drop_former(struct database *base, const char *user)
{
	struct fake_database *db = (struct fake_database *)base;
	AUTO(world_leave) struct world *world = world_enter(db->world);
	struct world_call call = call_of(db, "drop_former", user);
	struct fake_user *known = world_user(world, user);

	TRY(world_begin_call(world, &call));
	TRY(refuse_to_write(db));
	if (world->keeps_nothing && strcmp(db->user, "admin") != 0)
		return failure(STATUS_DENIED, "'%s' may not drop a password", db->user);
	if (known == NULL)
		return failure(STATUS_NOT_FOUND, "no user '%s'", user);
	watch_drop(world, user);
	known->former[0] = '\0';
	return world_end_call(world, &call);
}

static void fake_close(struct database **db)
{
	if (*db != NULL)
		unlock((struct fake_database *)*db);
	free(*db);
	*db = NULL;
}

static const struct database_ops fake_database_ops = {
	.lock_user = fake_lock_user,
	.commit = fake_commit,
	.set_password = fake_set_password,
	.put_user_like = fake_put_user_like,
	.compare_users = fake_compare_users,
	.close = fake_close,
};

static const struct database_ops fake_dual_ops = {
	.lock_user = fake_lock_user,
	.commit = fake_commit,
	.set_password = fake_set_password,
	.put_user_like = fake_put_user_like,
	.compare_users = fake_compare_users,
	.add_password = fake_add_password,
	.drop_former = fake_drop_former,
	.close = fake_close,
};

/* A server that has to prove that it knows the password learns nothing of it. */
static void watch(struct world *world, const struct login *login, const struct fake_user *known,
		  const struct secret *password)
{
	const char *home = login->kind == LOGIN_PROXY				  ? "proxy.example"
			   : world->is_reader && strcmp(login->host, WRITER) == 0 ? WRITER
										  : DATABASE;

	/* The active user's is in the secret itself: whoever wrote the host may have written it. */
	if (known != NULL && strcmp(known->name, "app") != 0 && strcmp(login->host, home) != 0 &&
	    login->unproven == NULL && password_is(known->password, password))
		world->leaks++;
}

/* Does this place accept the password? DENIED: no. */
static struct status verify(struct world *world, const struct login *login, const char *user,
			    const struct secret *password)
{
	struct fake_user *known = world_user(world, user);
	bool accepted = known != NULL &&
			(password_is(known->password, password) ||
			 (known->former[0] != '\0' && password_is(known->former, password)));

	watch(world, login, known, password);
	if (login->unproven != NULL && (world->proves_nothing || login->driver->never_proves)) {
		*login->unproven = true;
		return failure(STATUS_INVALID, "%s did not prove that it knows the password",
			       login->host);
	}
	if (login->kind == LOGIN_PROXY)
		accepted = proxy_knows(world, user, password) &&
			   world->proxy_seen++ >= world->proxy_lag && accepted;
	if (accepted && only_reads(world, login->host) && known->changes > 0 &&
	    world->reader_seen++ < world->reader_lag)
		return failure(STATUS_DENIED, "'%s' was refused at %s", user, login->host);
	if (accepted)
		return OK;
	if (login->kind == LOGIN_DATABASE && known != NULL)
		known->wrong_tries++;
	return failure(STATUS_DENIED, "'%s' was refused at %s", user, login->host);
}

static struct status fake_open(const struct login *login, const char *user,
			       const struct secret *password, struct deadline deadline,
			       struct database **ret)
{
	AUTO(world_leave) struct world *world = world_enter(fake_driver_world);
	const struct world_call call = {
		.name = "open", .place = login->host, .user = user, .deadline = deadline};
	struct fake_database *db;
	struct status verdict;

	TRY(world_begin_call(world, &call));
	world->logins++;
	verdict = verify(world, login, user, password);
	/* Nothing is proven to a caller that does not hear of it. */
	TRY(world_end_call(world, &call));
	TRY(verdict);
	world_prove(world, user, login);
	db = calloc(1, sizeof(*db));
	db->two_passwords = login->driver->keeps_former;
	db->base.ops = db->two_passwords ? &fake_dual_ops : &fake_database_ops;
	db->world = world;
	db->deadline = deadline;
	snprintf(db->user, sizeof(db->user), "%s", user);
	snprintf(db->host, sizeof(db->host), "%s", login->host);
	*ret = &db->base;
	return OK;
}

static const char *const fake_engines[] = {"fake", NULL};

static const struct database_driver fake_driver = {
	.engines = fake_engines,
	.default_port = 1234,
	.default_dbname = "fake",
	.username_max = 63,
	.password_rules = {.min_length = 8, .max_length = 128},
	.open = fake_open,
};

static const char *const fake_dual_engines[] = {"dual", NULL};

static const struct database_driver fake_dual_driver = {
	.engines = fake_dual_engines,
	.default_port = 1234,
	.default_dbname = "fake",
	.username_max = 63,
	.sees_itself_only = true,
	.keeps_former = true,
	.never_proves = true,
	.password_rules = {.min_length = 8, .max_length = 128},
	.open = fake_open,
};

const struct database_driver *const fake_drivers[] = {&fake_driver, &fake_dual_driver, NULL};
