/*
 * watch: what must hold at every instant, asked after every port call that changed something.
 *
 * Not only what is left when a step ends: a credential that was wrong between two calls was wrong for
 * whoever read it then. The first breach is kept in words; a test looks at it when it wants to, since
 * some make the world unsound on purpose.
 */
#include "fakes/world.h"

#include "core/credential.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

[[gnu::format(printf, 2, 3)]] static void breach(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (world->breach[0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(world->breach, sizeof(world->breach), format, arguments);
	va_end(arguments);
}

static bool parse(const struct fake_version *version, const char *id, struct credential *ret)
{
	AUTO(secret_clear) struct secret value = SECRET_INIT;

	return version != NULL && version->value != NULL &&
	       secret_make(version->value, strlen(version->value), &value).code == STATUS_OK &&
	       credential_parse(&value, id, ret).code == STATUS_OK;
}

static bool database_accepts(struct world *world, const struct credential *credential)
{
	const struct fake_user *user = world_user(world, credential->username);

	return user != NULL && (strcmp(user->password, secret_reveal(&credential->password)) == 0 ||
				(user->former[0] != '\0' &&
				 strcmp(user->former, secret_reveal(&credential->password)) == 0));
}

/* What a proxy checks a login of this user against. */
static bool proxy_accepts(struct world *world, const struct credential *credential)
{
	static const char *const ids[] = {PROXY_SECRET_BASE, PROXY_SECRET_CLONE,
					  PROXY_SECRET_THIRD};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		AUTO(credential_clear) struct credential held = CREDENTIAL_INIT;

		if (parse(world_version(world, ids[i], STAGE_CURRENT), ids[i], &held) &&
		    strcmp(held.username, credential->username) == 0)
			return secret_equal(&held.password, &credential->password);
	}
	return false;
}

static void watch_label(struct world *world, enum stage stage, const char *label)
{
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;
	const struct fake_version *version = world_version(world, APPLICATION_SECRET, stage);

	if (stage == STAGE_PREVIOUS && version == NULL)
		return;
	if (!parse(version, APPLICATION_SECRET, &credential))
		breach(world, "%s cannot be read", label);
	else if (!database_accepts(world, &credential))
		breach(world, "%s of '%s' is refused by the database", label, credential.username);
	else if (world->has_proxies && !proxy_accepts(world, &credential))
		breach(world, "%s of '%s' is refused by the proxy", label, credential.username);
}

/* One user: for how many port calls in a row what the application knows was refused. */
static void watch_window(struct world *world)
{
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;

	if (!parse(world_version(world, APPLICATION_SECRET, STAGE_CURRENT), APPLICATION_SECRET,
		   &credential))
		breach(world, "AWSCURRENT cannot be read");
	else if (database_accepts(world, &credential))
		world->refused = 0;
	else if (++world->refused > world->refused_most)
		world->refused_most = world->refused;
}

void watch_moment(struct world *world)
{
	if (world->has_one_user) {
		watch_window(world);
		return;
	}
	watch_label(world, STAGE_CURRENT, "AWSCURRENT");
	if (!world->set_begun)
		watch_label(world, STAGE_PREVIOUS, "AWSPREVIOUS");
}

static bool is_proven(const struct fake_user *user, const struct login *login)
{
	char place[sizeof(user->proven[0])];

	snprintf(place, sizeof(place), "%s:%u", login->host, login->port);
	for (size_t i = 0; i < WORLD_LOGINS; i++)
		if (strcmp(user->proven[i], place) == 0)
			return true;
	return false;
}

void world_prove(struct world *world, const char *name, const struct login *login)
{
	struct fake_user *user = world_user(world, name);

	for (size_t i = 0; i < WORLD_LOGINS && !is_proven(user, login); i++)
		if (user->proven[i][0] == '\0')
			snprintf(user->proven[i], sizeof(user->proven[i]), "%s:%u", login->host,
				 login->port);
}

void watch_promotion(struct world *world, const char *id, const struct fake_version *next)
{
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	if (!parse(next, id, &credential) || !database_accepts(world, &credential)) {
		breach(world, "'%s' was promoted with what the database does not accept", id);
		return;
	}
	if (strcmp(id, APPLICATION_SECRET) != 0)
		return;
	if (plan_make(&credential, &world->config, fake_drivers, &plan).code != STATUS_OK) {
		breach(world, "'%s' was promoted and gives no plan", id);
		return;
	}
	for (size_t i = 0; i < plan.login_count; i++)
		if (!is_proven(world_user(world, credential.username), &plan.logins[i]))
			breach(world, "'%s' became current before it had logged in at %s",
			       credential.username, plan.logins[i].host);
}

static bool is_named_by(struct world *world, enum stage stage, const char *user)
{
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;

	return parse(world_version(world, APPLICATION_SECRET, stage), APPLICATION_SECRET,
		     &credential) &&
	       strcmp(credential.username, user) == 0;
}

/* The only user a rotation may touch is the one it wrote down before; his turn ends AWSPREVIOUS. */
void watch_change(struct world *world, const char *user)
{
	bool active = is_named_by(world, STAGE_CURRENT, user) && !world->has_one_user;

	if (!active && is_named_by(world, STAGE_PENDING, user)) {
		world->set_begun = true;
		return;
	}
	world->trespasses++;
	breach(world, "%s '%s' was altered",
	       active ? "the active user" : "no pending version names:", user);
}

/* Ending a password that is kept alters the user too. */
void watch_drop(struct world *world, const char *user)
{
	if (!is_named_by(world, STAGE_CURRENT, user))
		return;
	world->trespasses++;
	breach(world, "a password of the active user '%s' was ended", user);
}
