/*
 * mysql_words: words and quoted texts in what the server wrote: SHOW GRANTS, SHOW CREATE USER.
 *
 * Internal to clients/sql/mysql*; pure. A doubled quote is part of a quoted text, as is what a
 * backslash precedes, but in a name (`…`).
 */
#ifndef CLIENTS_SQL_MYSQL_WORDS_H
#define CLIENTS_SQL_MYSQL_WORDS_H

#include <stdbool.h>

bool mysql_is_quote(char c);

/* Behind the quoted text or name that begins here; the end, where it has none. */
const char *mysql_skip_quoted(const char *at);

/*
 * The first of these words at a word's beginning, outside of quotes and brackets, in a statement that
 * the server wrote; NULL: none.
 */
const char *mysql_find_words(const char *statement, const char *words);

/* Every quote and bracket in it ends, and what was quoted is followed by no letter. */
bool mysql_is_well_formed(const char *statement);

#endif
