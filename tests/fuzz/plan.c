/*
 * What a rotation would do by an application secret of any shape, and by an admin secret.
 *
 * Input: the application secret's value, the admin secret's, both on one line; then user names of
 * proxy secrets, a line each.
 */
#include "fuzz.h"

#include "clients/sql/drivers.h"
#include "core/json.h"
#include "core/plan.h"
#include "core/utf8.h"

#include <strings.h>

static const struct config config = {.password_length = 32,
				     .exclude_characters = ":/@\"'\\",
				     .require_each_included_type = true};

static struct status read_credential(const char *text, struct credential *ret)
{
	AUTO(secret_clear) struct secret value = SECRET_INIT;

	TRY(secret_make(text, strlen(text), &value));
	return credential_parse(&value, "the secret", ret);
}

static void require_ring(const struct plan *plan, const struct credential *current)
{
	size_t active = 0;

	REQUIRE(plan->user_count >= 1 && plan->user_count <= PLAN_USERS_MAX);
	REQUIRE(strcmp(plan->active_user, current->username) == 0);
	REQUIRE((strcmp(plan->active_user, plan->inactive_user) != 0) != plan_has_one_user(plan));
	REQUIRE(!plan_has_one_user(plan) || plan->proxy_secret_count == 0);
	while (active < plan->user_count && plan->users[active] != plan->active_user)
		active++;
	REQUIRE(active < plan->user_count);
	REQUIRE(plan->users[(active + 1) % plan->user_count] == plan->inactive_user);
	for (size_t i = 0; i < plan->user_count; i++) {
		size_t length = plan->driver->counts_characters ? utf8_count(plan->users[i])
								: strlen(plan->users[i]);

		REQUIRE(length > 0 && length <= plan->driver->username_max);
		for (size_t k = 0; k < i; k++)
			REQUIRE(strcmp(plan->users[i], plan->users[k]) != 0);
	}
}

/* A host is handed to a resolver and stands in messages: one name or address, nothing around it. */
static void require_logins(const struct plan *plan)
{
	REQUIRE(plan->login_count >= 1 && plan->login_count <= 1 + PLAN_PROXIES_MAX);
	REQUIRE(plan->login_count == 1 || plan->proxy_secret_count > 0);
	for (size_t i = 0; i < plan->login_count; i++) {
		const struct login *login = &plan->logins[i];

		REQUIRE(login->kind == (i == 0 ? LOGIN_DATABASE : LOGIN_PROXY));
		REQUIRE(login->driver == plan->driver);
		REQUIRE(login->tls == plan->logins[0].tls);
		REQUIRE(login->port != 0);
		REQUIRE(*login->dbname != '\0' || *plan->driver->default_dbname == '\0');
		REQUIRE(*login->host != '\0' && strlen(login->host) <= 253);
		REQUIRE(strpbrk(login->host, "[]/@, \t") == NULL);
	}
}

/* Each user its own proxy secret, in whatever order they stand. */
static void match(const struct plan *plan, struct input *input)
{
	char *names[PLAN_PROXIES_MAX] = {NULL};
	size_t index = SIZE_MAX;
	struct status status;

	for (size_t i = 0; i < plan->proxy_secret_count; i++)
		names[i] = take_line(input);
	status = plan_match_proxy_secrets(plan, (const char *const *)names, plan->inactive_user,
					  &index);
	require_sound(status);
	if (status.code == STATUS_OK) {
		REQUIRE(index < plan->proxy_secret_count);
		REQUIRE(strcmp(names[index], plan->inactive_user) == 0);
	}
	for (size_t i = 0; i < plan->proxy_secret_count; i++)
		string_clear(&names[i]);
}

/* Only for the very same place does an admin's password leave the process. */
static void require_same_place(const struct plan *plan, const struct credential *admin)
{
	const char *host = json_string(admin->fields, "host");

	if (host == NULL)
		host = json_string(admin->fields, "database_host");
	REQUIRE(host != NULL && strcasecmp(host, plan->logins[0].host) == 0);
	for (size_t i = 0; i < plan->user_count; i++)
		REQUIRE(strcmp(admin->username, plan->users[i]) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(credential_clear) struct credential current = CREDENTIAL_INIT, admin = CREDENTIAL_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	AUTO(string_clear) char *application = NULL, *other = NULL;
	struct input input = INPUT(data, size);
	struct status status;

	application = take_line(&input);
	other = take_line(&input);
	if (read_credential(application, &current).code != STATUS_OK)
		return 0;
	status = plan_make(&current, &config, sql_drivers, &plan);
	require_sound(status);
	if (status.code != STATUS_OK) {
		REQUIRE(status.code == STATUS_INVALID);
		return 0;
	}
	require_ring(&plan, &current);
	require_logins(&plan);
	if (plan.proxy_secret_count > 0)
		match(&plan, &input);
	if (plan.admin_secret_id == NULL || read_credential(other, &admin).code != STATUS_OK)
		return 0;
	status = plan_check_admin(&plan, &admin);
	require_sound(status);
	if (status.code == STATUS_OK)
		require_same_place(&plan, &admin);
	return 0;
}
