/*
 * Every kind of thing that one user may do and another may not: what gives it, and how it is called when
 * it is missing. The clone tests copy and revoke each, the compare tests name each.
 */
#ifndef TESTS_MYSQL_KINDS_H
#define TESTS_MYSQL_KINDS_H

#include <stdbool.h>
#include <stddef.h>

struct kind {
	enum { BOTH, MARIADB, MYSQL } server;
	const char *give;  /* statements, cut at "; "; @x is the user */
	const char *named; /* a part of what is told of it */
	const char *less;  /* what the other has instead, if anything; also @x */
	bool narrower;	   /* `less` is a part of `give`, and so need not be taken */
	bool no_login;	   /* such a user is not let in by the tests */
};

extern const struct kind kinds[];
extern const size_t kinds_count;

bool kind_is_for_this_server(const struct kind *);

/* The objects and roles that they are about. */
void make_objects(void);

/* Runs `statements` for this user's letter; NULL: nothing. */
void give(const char *statements, char user);

#endif
