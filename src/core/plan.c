#include "core/plan.h"

#include "core/fields.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct status join(const char *text, size_t length, const char *suffix, char **ret)
{
	char *joined = memory_alloc(length + strlen(suffix) + 1);

	if (joined == NULL)
		return OUT_OF_MEMORY;
	memcpy(joined, text, length);
	memcpy(joined + length, suffix, strlen(suffix) + 1);
	*ret = joined;
	return OK;
}

static struct status copy_text(const char *text, char **ret)
{
	return join(text, strlen(text), "", ret);
}

/* AWS's ring: `name` and `name_clone`, as its multi-user rotation templates have it. */
static struct status ring_of_aws(const char *username, struct plan *plan)
{
	static const char suffix[] = "_clone";
	size_t length = strlen(username), tail = sizeof(suffix) - 1;
	bool clone = length > tail && strcmp(username + length - tail, suffix) == 0;
	size_t base = clone ? length - tail : length;

	TRY(join(username, base, "", &plan->users[0]));
	TRY(join(username, base, suffix, &plan->users[1]));
	plan->user_count = 2;
	return OK;
}

static struct status check_username(const struct database_driver *driver, const char *user)
{
	size_t length = driver->counts_characters ? utf8_count(user) : strlen(user);

	if (length <= driver->username_max)
		return OK;
	return failure(STATUS_INVALID, "the user name '%s' has %zu %s; %s takes at most %zu", user,
		       length, driver->counts_characters ? "characters" : "bytes",
		       driver->engines[0], driver->username_max);
}

static struct status make_ring(const struct credential *current, struct plan *plan)
{
	size_t active;

	TRY(field_list(current, "rotation_usernames", PLAN_USERS_MAX, plan->users,
		       &plan->user_count));
	if (plan->user_count == 0 && plan->admin_secret_id != NULL)
		TRY(ring_of_aws(current->username, plan));
	/* AWS's single-user secret. */
	if (plan->user_count == 0) {
		TRY(copy_text(current->username, &plan->users[0]));
		plan->user_count = 1;
	}
	if (plan->user_count == 1 && plan->proxy_secret_count > 0)
		return failure(
			STATUS_INVALID,
			"\"proxy_secret_ids\" is there, but only one user, and a proxy knows one "
			"password for a user: add \"rotation_usernames\": [\"%s\", \"…\"], or "
			"register the application secret itself with the proxy",
			current->username);
	for (active = 0; active < plan->user_count; active++)
		if (strcmp(plan->users[active], current->username) == 0)
			break;
	if (active == plan->user_count)
		return failure(
			STATUS_INVALID,
			"AWSCURRENT's user '%s' is not one of \"rotation_usernames\": add it or "
			"correct \"username\"",
			current->username);
	for (size_t i = 0; i < plan->user_count; i++)
		TRY(check_username(plan->driver, plan->users[i]));
	if (plan->user_count > 2 && plan->admin_secret_id == NULL && plan->proxy_secret_count == 0)
		return failure(
			STATUS_INVALID,
			"with %zu users and neither an admin secret nor proxy secrets nobody "
			"keeps the password of a user that was not active last: add "
			"\"masterarn\", or let two users take turns",
			plan->user_count);
	plan->active_user = plan->users[active];
	plan->inactive_user = plan->users[(active + 1) % plan->user_count];
	return OK;
}

bool plan_has_one_user(const struct plan *plan)
{
	return plan->user_count == 1;
}

static struct status find_driver(const struct credential *current, const struct config *config,
				 const struct database_driver *const *drivers, struct plan *plan)
{
	char known[128] = "";
	size_t used = 0;
	const char *engine = NULL;

	TRY(field_text(current, "engine", NULL, config->engine, &engine));
	for (size_t i = 0; drivers[i] != NULL && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 i == 0 ? "" : ", ", drivers[i]->engines[0]);
	if (engine == NULL)
		return failure(
			STATUS_INVALID,
			"\"engine\" is missing: add it to the secret or set RDS_ENGINE; known: %s",
			known);
	plan->driver = database_driver_find(drivers, engine);
	if (plan->driver == NULL)
		return failure(STATUS_INVALID, "the engine '%.64s' is unknown; known: %s", engine,
			       known);
	return OK;
}

/*
 * One name or address: a path would be a socket, a comma several hosts, ";" and "=" a list of options
 * to some client libraries, and no certificate fits. The
 * brackets of "[v6]:port" are not part of either.
 */
static struct status check_host(const char *key, const char *host)
{
	if (strpbrk(host, "[]/@,;= \t") != NULL || strlen(host) > HOST_MAX)
		return failure(STATUS_INVALID, "\"%s\" is not one host name or address: '%.64s'",
			       key, host);
	return OK;
}

static struct status add_database(const struct credential *current, const struct config *config,
				  struct plan *plan)
{
	struct login *login = &plan->logins[0];
	const char *host = NULL, *own_host = NULL, *dbname = NULL;

	TRY(field_text(current, "host", "database_host", NULL, &own_host));
	plan->host_is_set_here = own_host == NULL;
	host = own_host != NULL ? own_host : config->host;
	TRY(field_text(current, "dbname", "database_name", config->dbname, &dbname));
	if (host == NULL)
		return failure(STATUS_INVALID,
			       "\"host\" is missing: add it to the secret or set RDS_HOST");
	TRY(check_host("host", host));
	plan->login_count = 1;
	*login = (struct login){
		.kind = LOGIN_DATABASE, .driver = plan->driver, .ca_file = config->database_ca};
	TRY(field_ssl(current, &login->tls));
	TRY(field_port(current, "port", "database_port",
		       config->port != 0 ? config->port : plan->driver->default_port,
		       &login->port));
	TRY(copy_text(host, &login->host));
	/* As AWS's templates do: a PostgreSQL secret without a database means "postgres". */
	return copy_text(dbname != NULL ? dbname : plan->driver->default_dbname, &login->dbname);
}

/* "host", "host:port" or "[v6]:port". */
static struct status add_proxy(const char *endpoint, const struct config *config, struct plan *plan)
{
	struct login *login = &plan->logins[plan->login_count];
	const char *colon = strrchr(endpoint, ':'), *host = endpoint;
	size_t length = strlen(endpoint);
	long port = plan->logins[0].port;

	if (colon != NULL && (strchr(endpoint, ':') == colon || colon[-1] == ']')) {
		char *end;

		port = strtol(colon + 1, &end, 10);
		if (strspn(colon + 1, "0123456789") == 0 || *end != '\0' || port < 1 ||
		    port > 65535)
			return failure(
				STATUS_INVALID,
				"\"proxy_endpoints\" holds '%s': behind the colon a port from 1 to "
				"65535 is expected",
				endpoint);
		length = (size_t)(colon - endpoint);
	}
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host++;
		length -= 2;
	}
	if (length == 0)
		return failure(STATUS_INVALID, "\"proxy_endpoints\" holds '%s', which has no host",
			       endpoint);
	*login = (struct login){
		.kind = LOGIN_PROXY,
		.driver = plan->driver,
		.tls = plan->logins[0].tls,
		.ca_file = config->proxy_ca,
		.port = (uint16_t)port,
	};
	plan->login_count++;
	TRY(join(host, length, "", &login->host));
	TRY(check_host("proxy_endpoints", login->host));
	return copy_text(plan->logins[0].dbname, &login->dbname);
}

static void endpoints_clear(char *(*endpoints)[PLAN_PROXIES_MAX])
{
	for (size_t i = 0; i < PLAN_PROXIES_MAX; i++)
		string_clear(&(*endpoints)[i]);
}

static struct status add_proxies(const struct credential *current, const struct config *config,
				 struct plan *plan)
{
	AUTO(endpoints_clear) char *endpoints[PLAN_PROXIES_MAX] = {0};
	size_t count = 0;

	TRY(field_list(current, "proxy_endpoints", PLAN_PROXIES_MAX, endpoints, &count));
	if (count > 0 && plan->proxy_secret_count == 0)
		return failure(
			STATUS_INVALID,
			"\"proxy_endpoints\" is there but \"proxy_secret_ids\" is not: name the "
			"proxy's secrets, one for each user");
	for (size_t i = 0; i < count; i++)
		TRY(add_proxy(endpoints[i], config, plan));
	return OK;
}

static struct status make_policy(const struct config *config, struct plan *plan)
{
	struct password_policy *policy = &plan->password_policy;
	bool excluded[CLASS_COUNT] = {
		[CLASS_LOWER] = config->exclude_lowercase,
		[CLASS_UPPER] = config->exclude_uppercase,
		[CLASS_DIGIT] = config->exclude_numbers,
		[CLASS_PUNCTUATION] = config->exclude_punctuation,
	};

	*policy = (struct password_policy){.length = (size_t)config->password_length};
	if (strlen(config->exclude_characters) >= sizeof(policy->excluded))
		return failure(STATUS_INVALID, "EXCLUDE_CHARACTERS has more than %zu characters",
			       sizeof(policy->excluded) - 1);
	memcpy(policy->excluded, config->exclude_characters, strlen(config->exclude_characters));
	for (int class = 0; class < CLASS_COUNT; class ++) {
		policy->allowed[class] = !excluded[class];
		policy->required[class] = config->require_each_included_type &&
					  policy->allowed[class];
	}
	for (size_t i = 0; i < plan->login_count; i++)
		TRY(password_policy_narrow(policy, &plan->logins[i].driver->password_rules,
					   plan->logins[i].driver->engines[0],
					   plan->inactive_user));
	return password_policy_check(policy);
}

/* What this version does not do must not look as if it did. */
static struct status refuse_mirrors(const struct credential *current)
{
	const cJSON *mirrors = cJSON_GetObjectItemCaseSensitive(current->fields, "mirrors");

	if (mirrors == NULL || cJSON_IsNull(mirrors) ||
	    (cJSON_IsArray(mirrors) && mirrors->child == NULL))
		return OK;
	return failure(STATUS_INVALID,
		       "\"mirrors\" is not supported by this version: the credential would not be "
		       "mirrored; remove it");
}

struct status plan_make(const struct credential *current, const struct config *config,
			const struct database_driver *const *drivers, struct plan *ret)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	const char *admin = NULL;

	TRY(refuse_mirrors(current));
	TRY(find_driver(current, config, drivers, &plan));
	TRY(field_text(current, "masterarn", "admin_secret_id", NULL, &admin));
	if (admin != NULL)
		TRY(copy_text(admin, &plan.admin_secret_id));
	TRY(field_list(current, "proxy_secret_ids", PLAN_PROXIES_MAX, plan.proxy_secret_ids,
		       &plan.proxy_secret_count));
	TRY(make_ring(current, &plan));
	TRY(add_database(current, config, &plan));
	TRY(add_proxies(current, config, &plan));
	TRY(make_policy(config, &plan));
	plan_clear(ret);
	*ret = plan;
	plan = PLAN_INIT;
	return OK;
}

void plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < PLAN_USERS_MAX; i++)
		string_clear(&plan->users[i]);
	for (size_t i = 0; i < PLAN_PROXIES_MAX; i++)
		string_clear(&plan->proxy_secret_ids[i]);
	for (size_t i = 0; i < 1 + PLAN_PROXIES_MAX; i++) {
		string_clear(&plan->logins[i].host);
		string_clear(&plan->logins[i].dbname);
	}
	string_clear(&plan->writer.host); /* the rest is logins[0]'s */
	string_clear(&plan->admin_secret_id);
	*plan = PLAN_INIT;
}

static size_t index_of_user(const struct plan *plan, const char *user)
{
	size_t i = 0;

	while (i < plan->user_count && strcmp(plan->users[i], user) != 0)
		i++;
	return i;
}

struct status plan_match_proxy_secrets(const struct plan *plan, const char *const *usernames,
				       const char *user, size_t *ret)
{
	size_t owner[PLAN_USERS_MAX];

	for (size_t i = 0; i < plan->user_count; i++)
		owner[i] = SIZE_MAX;
	for (size_t i = 0; i < plan->proxy_secret_count; i++) {
		size_t whose = index_of_user(plan, usernames[i]);

		if (whose == plan->user_count)
			return failure(
				STATUS_INVALID,
				"the proxy secret '%s' is for '%s', who is not one of the users "
				"that take turns: remove it from \"proxy_secret_ids\"",
				plan->proxy_secret_ids[i], usernames[i]);
		if (owner[whose] != SIZE_MAX)
			return failure(STATUS_INVALID,
				       "the proxy secrets '%s' and '%s' are both for '%s': each "
				       "user needs "
				       "one of their own",
				       plan->proxy_secret_ids[owner[whose]],
				       plan->proxy_secret_ids[i], usernames[i]);
		owner[whose] = i;
	}
	for (size_t i = 0; i < plan->user_count; i++)
		if (owner[i] == SIZE_MAX)
			return failure(
				STATUS_INVALID,
				"no proxy secret is for '%s': make one with \"username\": \"%s\", "
				"attach it to the proxy and add it to \"proxy_secret_ids\"",
				plan->users[i], plan->users[i]);
	*ret = owner[index_of_user(plan, user)];
	return OK;
}

struct status plan_check_engine(const struct plan *plan, const struct place *place,
				const struct database_driver *const *drivers)
{
	const struct database_driver *driver = database_driver_find(drivers, place->engine);

	if (driver != NULL && driver == plan->driver)
		return OK;
	return failure(STATUS_INVALID,
		       "the database at %s:%u runs '%s', %s; the secret under rotation is for %s: "
		       "correct its \"engine\", or its \"host\" and the admin secret",
		       place->host, place->port, place->engine,
		       driver == NULL ? "an engine that is not supported" : "another engine",
		       plan->driver->engines[0]);
}

struct status plan_set_writer(struct plan *plan, const struct place *writer)
{
	string_clear(&plan->writer.host);
	plan->writer = plan->logins[0];
	plan->writer.host = NULL;
	plan->writer.port = writer->port;
	return copy_text(writer->host, &plan->writer.host);
}

const struct login *plan_writer(const struct plan *plan)
{
	return plan->writer.host != NULL ? &plan->writer : &plan->logins[0];
}

static bool is_at(const struct login *login, const char *host, uint16_t port)
{
	return strcasecmp(host, login->host) == 0 && port == login->port;
}

struct status plan_check_place(const struct plan *plan, const struct credential *kept,
			       const char *where, bool *told)
{
	const struct login *database = &plan->logins[0];
	const char *host = NULL;
	uint16_t port = 0;
	bool tls = true;

	TRY_WHILE(field_text(kept, "host", "database_host",
			     plan->host_is_set_here ? database->host : NULL, &host),
		  "%s", where);
	/* A value without a host says nothing about a port either. */
	TRY_WHILE(field_port(kept, "port", "database_port",
			     plan->host_is_set_here || host == NULL ? database->port
								    : plan->driver->default_port,
			     &port),
		  "%s", where);
	TRY_WHILE(field_ssl(kept, &tls), "%s", where);
	if (host != NULL && !is_at(database, host, port) && !is_at(plan_writer(plan), host, port))
		return failure(STATUS_INVALID,
			       "%s is for %s:%u, but the secret under rotation is for %s:%u: its "
			       "password will not be sent there",
			       where, host, port, database->host, database->port);
	if (tls && !database->tls)
		return failure(STATUS_INVALID,
			       "%s does not say \"ssl\": false, but the secret under rotation "
			       "does: its password will not be sent without TLS",
			       where);
	*told = host != NULL;
	return OK;
}

struct status plan_check_admin(const struct plan *plan, const struct credential *admin)
{
	char where[160];
	bool told = false;

	snprintf(where, sizeof(where), "the admin secret '%s'", plan->admin_secret_id);
	if (index_of_user(plan, admin->username) < plan->user_count)
		return failure(
			STATUS_INVALID,
			"%s names '%s', one of the users that take turns: its password would be "
			"changed under it; name another user's secret",
			where, admin->username);
	TRY(plan_check_place(plan, admin, where, &told));
	if (told)
		return OK;
	return failure(STATUS_INVALID,
		       "%s has no \"host\", and no tag of RDS says whose it is: add it, so that "
		       "its password "
		       "goes to that database only",
		       where);
}
