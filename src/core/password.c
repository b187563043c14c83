#include "core/password.h"

#include "core/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The classes of secretsmanager:GetRandomPassword. */
static const char *const class_characters[CLASS_COUNT] = {
	[CLASS_LOWER] = "abcdefghijklmnopqrstuvwxyz",
	[CLASS_UPPER] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	[CLASS_DIGIT] = "0123456789",
	[CLASS_PUNCTUATION] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
};

static const struct {
	const char *name, *variable;
} class_words[CLASS_COUNT] = {
	[CLASS_LOWER] = {"lower-case letter", "EXCLUDE_LOWERCASE"},
	[CLASS_UPPER] = {"upper-case letter", "EXCLUDE_UPPERCASE"},
	[CLASS_DIGIT] = {"digit", "EXCLUDE_NUMBERS"},
	[CLASS_PUNCTUATION] = {"punctuation character", "EXCLUDE_PUNCTUATION"},
};

#define ALPHABET_MAX 96
#define DRAWS_MAX 10000

static size_t alphabet_of(const struct password_policy *policy, enum character_class class,
			  char ret[ALPHABET_MAX])
{
	size_t count = 0;

	if (policy->allowed[class])
		for (const char *c = class_characters[class]; *c != '\0'; c++)
			if (strchr(policy->excluded, *c) == NULL)
				ret[count++] = *c;
	ret[count] = '\0';
	return count;
}

struct status password_policy_narrow(struct password_policy *policy,
				     const struct password_rules *rules, const char *engine,
				     const char *user)
{
	if (rules->forbidden != NULL)
		for (const char *c = rules->forbidden; *c != '\0'; c++) {
			size_t used = strlen(policy->excluded);

			if (strchr(policy->excluded, *c) != NULL)
				continue;
			if (used + 1 >= sizeof(policy->excluded))
				return failure(STATUS_INVALID, "EXCLUDE_CHARACTERS is too long");
			policy->excluded[used] = *c;
			policy->excluded[used + 1] = '\0';
		}
	for (int class = 0; class < CLASS_COUNT; class ++)
		if (rules->required[class]) {
			if (!policy->allowed[class])
				return failure(STATUS_INVALID,
					       "%s wants a %s in a password, but %s forbids it",
					       engine, class_words[class].name,
					       class_words[class].variable);
			policy->required[class] = true;
		}
	if (policy->length < rules->min_length)
		return failure(STATUS_INVALID,
			       "PASSWORD_LENGTH is %zu, but %s wants at least %zu characters",
			       policy->length, engine, rules->min_length);
	if (rules->max_length != 0 && policy->length > rules->max_length)
		return failure(STATUS_INVALID,
			       "PASSWORD_LENGTH is %zu, but %s takes at most %zu characters",
			       policy->length, engine, rules->max_length);
	if (rules->not_containing_user)
		policy->not_containing = user;
	return password_policy_check(policy);
}

struct status password_policy_check(const struct password_policy *policy)
{
	char alphabet[ALPHABET_MAX];
	size_t required = 0, total = 0;

	for (int class = 0; class < CLASS_COUNT; class ++) {
		size_t count = alphabet_of(policy, class, alphabet);

		total += count;
		if (!policy->required[class])
			continue;
		required++;
		if (count == 0)
			return failure(STATUS_INVALID,
				       "the password policy wants a %s and excludes every one: "
				       "change EXCLUDE_CHARACTERS or %s",
				       class_words[class].name, class_words[class].variable);
	}
	if (total == 0)
		return failure(STATUS_INVALID,
			       "the password policy excludes every character: change "
			       "EXCLUDE_CHARACTERS or an EXCLUDE_… variable");
	if (policy->length < required || policy->length == 0)
		return failure(STATUS_INVALID,
			       "PASSWORD_LENGTH is %zu, too short for one of each of %zu classes",
			       policy->length, required);
	return OK;
}

/* One uniform index below `count`: bytes past the last whole multiple are thrown away. */
static struct status draw_index(const struct random *random, size_t count, size_t *ret)
{
	unsigned char byte;
	size_t fair = 256 - 256 % count;

	do {
		TRY(random->fill(&byte, 1));
	} while (byte >= fair);
	*ret = byte % count;
	return OK;
}

static bool contains_ignoring_case(const char *text, const char *part)
{
	return part != NULL && *part != '\0' && strcasestr(text, part) != NULL;
}

static bool acceptable(const struct password_policy *policy, const char *word)
{
	for (int class = 0; class < CLASS_COUNT; class ++)
		if (policy->required[class] && strpbrk(word, class_characters[class]) == NULL)
			return false;
	return !contains_ignoring_case(word, policy->not_containing);
}

struct status password_generate(const struct password_policy *policy, const struct random *random,
				struct secret *ret)
{
	AUTO(string_clear) char *word = NULL;
	char alphabet[CLASS_COUNT * ALPHABET_MAX];
	size_t count = 0;

	TRY(password_policy_check(policy));
	for (int class = 0; class < CLASS_COUNT; class ++)
		count += alphabet_of(policy, class, alphabet + count);
	word = memory_alloc_zero(policy->length + 1, 1);
	if (word == NULL)
		return OUT_OF_MEMORY;

	/* The bound is for a policy that is all but impossible; the default needs one draw or two.
	 */
	for (int draw = 0; draw < DRAWS_MAX; draw++) {
		for (size_t i = 0; i < policy->length; i++) {
			size_t index;

			TRY(draw_index(random, count, &index));
			word[i] = alphabet[index];
		}
		if (acceptable(policy, word))
			return secret_make(word, policy->length, ret);
	}
	return failure(
		STATUS_INVALID,
		"no password that satisfies the policy came up in %d draws: make PASSWORD_LENGTH "
		"larger or exclude less",
		DRAWS_MAX);
}
