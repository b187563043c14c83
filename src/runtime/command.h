/*
 * command: the table of commands that parser and help share.
 */
#ifndef RUNTIME_COMMAND_H
#define RUNTIME_COMMAND_H

#include "runtime/cli.h"

#include <stddef.h>

#define COMMAND_ARGUMENTS_MAX 3

struct command {
	const char *name;
	const char *usage; /* its arguments, for people */
	size_t argument_count;
	size_t secret; /* which argument is the secret's id */
	const char *meaning;
	enum exit_status (*run)(const struct program *, const struct command_line *);
};

extern const struct command commands[];
extern const size_t command_count;

#endif
