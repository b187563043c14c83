#include "clients/sql/mysql_definition.h"

#include "clients/sql/mysql_words.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

const char *const mysql_limit_names[MYSQL_LIMITS] = {
	"MAX_QUERIES_PER_HOUR", "MAX_UPDATES_PER_HOUR", "MAX_CONNECTIONS_PER_HOUR",
	"MAX_USER_CONNECTIONS", "MAX_STATEMENT_TIME",
};

/* The parts in the order in which both servers write them; a part ends where a later one begins. */
static const char *const part_starts[] = {
	"DEFAULT ROLE ",	  "REQUIRE ", "WITH MAX_",
	"PASSWORD EXPIRE",	  "ACCOUNT ", "PASSWORD ",
	"FAILED_LOGIN_ATTEMPTS ", "COMMENT ", "ATTRIBUTE ",
};

enum {
	PARTS = sizeof(part_starts) / sizeof(part_starts[0]),
	DEFAULT_ROLE = 0,
	TLS,
	LIMITS,
	POLICY
};

/* "MAX_" is no whole word. */
static const char *find_limits(const char *text)
{
	const char *at = mysql_find_words(text, "WITH ");

	while (at != NULL && strncmp(at, part_starts[LIMITS], strlen(part_starts[LIMITS])) != 0)
		at = mysql_find_words(at + strlen("WITH "), "WITH ");
	return at;
}

/* Where the first of the parts from `first` on begins; else the end. */
static const char *find_part(const char *text, size_t first)
{
	const char *found = text + strlen(text);

	for (size_t i = first; i < PARTS; i++) {
		const char *at = i == LIMITS ? find_limits(text)
					     : mysql_find_words(text, part_starts[i]);

		if (at != NULL && at < found)
			found = at;
	}
	return found;
}

static struct status copy(const char *begin, const char *end, char **ret)
{
	char *made;

	while (end > begin && end[-1] == ' ')
		end--;
	made = memory_alloc((size_t)(end - begin) + 1);
	if (made == NULL)
		return OUT_OF_MEMORY;
	memcpy(made, begin, (size_t)(end - begin));
	made[end - begin] = '\0';
	*ret = made;
	return OK;
}

/* MariaDB's, for its native plugin. */
static const char by_password[] = "BY PASSWORD ";

/*
 * IDENTIFIED WITH 'plugin' AS …, VIA plugin USING …, or BY PASSWORD. `*rest` goes behind the
 * plugin, whose name is no part that follows; nor is that PASSWORD the beginning of a policy.
 */
static struct status take_plugin(const char **rest, char *ret, size_t size)
{
	const char *at = *rest;
	size_t length;
	bool quoted;

	if (strncmp(at, by_password, strlen(by_password)) == 0) {
		snprintf(ret, size, "mysql_native_password");
		*rest += strlen(by_password);
		return OK;
	}
	if (strncmp(at, "WITH ", 5) != 0 && strncmp(at, "VIA ", 4) != 0)
		return failure(STATUS_INVALID, "an account's way to log in is not known here");
	at = strchr(at, ' ') + 1;
	quoted = *at == '\'' || *at == '`';
	at += quoted;
	length = strspn(at, "_-.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	if (length == 0 || length >= size || (quoted && at[length] != at[-1]) ||
	    (!quoted && at[length] != ' ' && at[length] != '\0'))
		return failure(STATUS_INVALID,
			       "an account's plugin has no name that is known here");
	memcpy(ret, at, length);
	ret[length] = '\0';
	*rest = at + length + quoted;
	/* MariaDB lets an account log in by any of several. */
	if (mysql_find_words(at, "OR ") != NULL)
		snprintf(ret, size, "several plugins");
	return OK;
}

static void take_limits(const char *begin, const char *end, struct mysql_definition *definition)
{
	for (size_t i = 0; i < MYSQL_LIMITS; i++) {
		const char *name = mysql_limit_names[i];
		const char *at = begin < end ? mysql_find_words(begin, name) : NULL;

		snprintf(definition->limits[i], sizeof(definition->limits[i]), "0");
		if (at == NULL || at >= end)
			continue;
		at += strlen(name);
		at += strspn(at, " ");
		snprintf(definition->limits[i], sizeof(definition->limits[i]), "%.*s",
			 (int)strspn(at, "0123456789."), at);
	}
}

/* REQUIRE's word for no requirement. */
static const char none[] = "NONE";

/* Its words and quoted texts, and nothing else: it becomes part of a statement. */
static bool is_requirement(const char *text)
{
	static const char *const words[] = {"NONE",    "SSL",	 "X509", "ISSUER",
					    "SUBJECT", "CIPHER", "AND"};
	const char *at = text;

	while (*at != '\0') {
		size_t length = strcspn(at, " "), i = 0;

		if (*at == '\'') {
			at = mysql_skip_quoted(at);
		} else {
			while (i < sizeof(words) / sizeof(words[0]) &&
			       (strlen(words[i]) != length || strncmp(at, words[i], length) != 0))
				i++;
			if (i == sizeof(words) / sizeof(words[0]))
				return false;
			at += length;
		}
		at += *at == ' ';
	}
	return at > text;
}

struct status mysql_definition_parse(const char *statement, struct mysql_definition *ret)
{
	AUTO(mysql_definition_clear) struct mysql_definition made = MYSQL_DEFINITION_INIT;
	const char *identified = mysql_find_words(statement, "IDENTIFIED ");
	const char *roles, *tls, *limits, *policy, *end;

	/* MySQL writes a quote in the name of an issuer as it is (seen in 9.7). */
	if (!mysql_is_well_formed(statement))
		return failure(
			STATUS_INVALID,
			"where a text in an account's definition ends cannot be known: set up "
			"both users by hand");
	if (identified != NULL) {
		identified += strlen("IDENTIFIED ");
		TRY(take_plugin(&identified, made.plugin, sizeof(made.plugin)));
	} else if (mysql_find_words(statement, "CREATE USER ") != statement) {
		return failure(STATUS_INVALID, "an account's definition is not known here");
	} else {
		/* MariaDB's that never had a password. */
		snprintf(made.plugin, sizeof(made.plugin), "mysql_native_password");
		identified = statement;
	}
	roles = find_part(identified, DEFAULT_ROLE);
	tls = find_part(roles, TLS);
	limits = find_part(tls, LIMITS);
	policy = find_part(limits, POLICY);
	end = find_part(policy, PARTS - 2);
	TRY(roles < tls ? copy(roles + strlen("DEFAULT ROLE "), tls, &made.default_roles)
			: copy(roles, roles, &made.default_roles));
	if (tls < limits)
		TRY(copy(tls + strlen("REQUIRE "), limits, &made.tls));
	else
		TRY(copy(none, none + strlen(none), &made.tls));
	if (!is_requirement(made.tls))
		return failure(STATUS_INVALID, "an account's TLS requirement is not known here");
	take_limits(limits, policy, &made);
	TRY(copy(policy, end, &made.policy));
	mysql_definition_clear(ret);
	*ret = made;
	made = MYSQL_DEFINITION_INIT;
	return OK;
}

struct status mysql_definition_append(const struct mysql_definition *definition, bool is_mariadb,
				      struct buffer *statement)
{
	TRY(buffer_printf(statement, " REQUIRE %s WITH", definition->tls));
	for (size_t i = 0; i < MYSQL_LIMITS - (is_mariadb ? 0 : 1); i++)
		TRY(buffer_printf(statement, " %s %s", mysql_limit_names[i],
				  definition->limits[i]));
	return OK;
}

void mysql_definition_clear(struct mysql_definition *definition)
{
	memory_free(definition->tls);
	memory_free(definition->policy);
	memory_free(definition->default_roles);
	*definition = MYSQL_DEFINITION_INIT;
}
