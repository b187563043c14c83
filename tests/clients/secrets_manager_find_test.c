/* The newest version that is wanted, with a label or without. */
#include "test.h"

#include "clients/scripted_manager.h"

#include <stdio.h>

static bool says_yes(const struct secret_version *version, void *context)
{
	(void)context;
	return strstr(secret_reveal(&version->value), "yes") != NULL;
}

static struct status find(struct secret_version *ret)
{
	return store->ops->find(store, "app", says_yes, NULL, ret);
}

#define VERSIONS(list)                                                         \
	{                                                                      \
		"ListSecretVersionIds", 200, NULL, "{\"Versions\":[" list "]}" \
	}
#define VERSION(id, date) "{\"VersionId\":\"" id "\",\"CreatedDate\":" date "}"
#define VALUE(id, text)                                                            \
	{                                                                          \
		"GetSecretValue", 200, NULL,                                       \
			"{\"VersionId\":\"" id "\",\"SecretString\":\"" text "\"}" \
	}

static void find_asks_for_the_newest_first_and_takes_the_first_that_is_wanted(void **state)
{
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT(VERSIONS(VERSION("b", "200.5") "," VERSION("d", "400") "," VERSION(
		       "a", "100") "," VERSION("c", "200.7")),
	       VALUE("d", "no"), VALUE("c", "yes"));
	assert_ok(find(&found));
	assert_string_equal(found.id, "c");
	assert_string_equal(sent(0, "IncludeDeprecated"), "true");
	assert_string_equal(sent(1, "VersionId"), "d");
	assert_string_equal(sent(2, "VersionId"), "c");
	assert_string_equal(sent(2, "VersionStage"), "");
	assert_int_equal(server.count, 3);
}

static void find_passes_over_what_cannot_be_read(void **state)
{
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT(VERSIONS(VERSION("c", "3") "," VERSION("b", "2") "," VERSION("a", "1")),
	       {"GetSecretValue", 200, NULL, "{\"VersionId\":\"c\",\"SecretBinary\":\"AA==\"}"},
	       {"GetSecretValue", 400, "ResourceNotFoundException",
		"Secrets Manager can't find the specified secret value for VersionId: b"},
	       VALUE("a", "yes"));
	assert_ok(find(&found));
	assert_string_equal(found.id, "a");
}

static void find_without_a_match_is_not_found(void **state)
{
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT(VERSIONS(VERSION("a", "1")), VALUE("a", "no"));
	assert_failed(find(&found), STATUS_NOT_FOUND, "no such version");
	stop(NULL);
	SCRIPT(VERSIONS(""));
	assert_failed(find(&found), STATUS_NOT_FOUND, "no such version");
}

static void find_denied_names_the_permission(void **state)
{
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"ListSecretVersionIds", 400, "AccessDeniedException", "not authorized"});
	assert_failed(find(&found), STATUS_DENIED, "secretsmanager:ListSecretVersionIds");
}

/* A hundred versions, oldest first: twenty are looked at, and those are the newest. */
static void find_looks_at_the_newest_twenty_only(void **state)
{
	static char list[4000], values[VERSIONS_LOOKED_AT][100];
	static struct line lines[VERSIONS_LOOKED_AT + 2];
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
	size_t used = (size_t)snprintf(list, sizeof(list), "{\"Versions\":[");

	(void)state;
	for (int i = 0; i < 100; i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used,
					 "%s{\"VersionId\":\"v%d\",\"CreatedDate\":%d}",
					 i == 0 ? "" : ",", i, i);
	snprintf(list + used, sizeof(list) - used, "]}");
	lines[0] = (struct line){"ListSecretVersionIds", 200, NULL, list};
	for (int i = 0; i < VERSIONS_LOOKED_AT; i++) {
		snprintf(values[i], sizeof(values[i]),
			 "{\"VersionId\":\"v%d\",\"SecretString\":\"no\"}", 99 - i);
		lines[1 + i] = (struct line){"GetSecretValue", 200, NULL, values[i]};
	}
	start(lines);
	assert_failed(find(&found), STATUS_NOT_FOUND, "no such version");
	assert_int_equal(server.count, 1 + VERSIONS_LOOKED_AT);
	assert_string_equal(sent(1, "VersionId"), "v99");
	assert_string_equal(sent(VERSIONS_LOOKED_AT, "VersionId"), "v80");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(find_asks_for_the_newest_first_and_takes_the_first_that_is_wanted),
		TEST(find_passes_over_what_cannot_be_read),
		TEST(find_without_a_match_is_not_found),
		TEST(find_denied_names_the_permission),
		TEST(find_looks_at_the_newest_twenty_only),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
