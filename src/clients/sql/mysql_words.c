#include "clients/sql/mysql_words.h"

#include <string.h>

/*
 * Where a quoted text or name that begins here ends, NULL: nowhere; a doubled quote is part of it,
 * as is what \ precedes.
 */
static const char *find_closing(const char *at)
{
	char quote = *at++;

	for (; *at != '\0'; at++) {
		if (*at == '\\' && quote != '`' && at[1] != '\0') {
			at++;
			continue;
		}
		if (*at != quote)
			continue;
		if (at[1] != quote)
			return at;
		at++;
	}
	return NULL;
}

const char *mysql_skip_quoted(const char *at)
{
	const char *closing = find_closing(at);

	return closing != NULL ? closing + 1 : at + strlen(at);
}

bool mysql_is_quote(char c)
{
	return c == '`' || c == '\'' || c == '"';
}

const char *mysql_find_words(const char *statement, const char *words)
{
	size_t length = strlen(words);
	int depth = 0;

	for (const char *at = statement; *at != '\0';) {
		bool begins = at == statement || at[-1] == ' ';

		if (mysql_is_quote(*at)) {
			at = mysql_skip_quoted(at);
			continue;
		}
		if (begins && depth == 0 && strncmp(at, words, length) == 0 &&
		    (at[length] == ' ' || at[length] == '\0' || at[length - 1] == ' '))
			return at;
		depth += (*at == '(') - (*at == ')');
		at++;
	}
	return NULL;
}

bool mysql_is_well_formed(const char *statement)
{
	int depth = 0;

	for (const char *at = statement; *at != '\0' && depth >= 0; at++) {
		depth += (*at == '(') - (*at == ')');
		if (!mysql_is_quote(*at))
			continue;
		at = find_closing(at);
		if (at == NULL || (at[1] != '\0' && strchr(" ,.@)", at[1]) == NULL))
			return false;
	}
	return depth == 0;
}
