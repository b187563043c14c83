/*
 * cli: the command line.
 *
 *   tandem rotate SECRET           RotateSecret if the secret has a function, else the steps here
 *   tandem step STEP SECRET TOKEN  one step, as Secrets Manager would call it
 *   tandem status SECRET           versions, copies and logins
 *   tandem check SECRET            everything a rotation will need, tried without changing anything
 *
 * Results go to stdout, as a table or as JSON with --json; what went wrong goes to stderr.
 */
#ifndef RUNTIME_CLI_H
#define RUNTIME_CLI_H

#include "runtime/program.h"

#include <stdbool.h>
#include <stdio.h>

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command_line {
	const struct command *command; /* NULL: only help or version is wanted */
	char *const *arguments;	       /* behind the command's name, without options */
	bool json, no_wait, help, version;
};

/* Sorts out argv, whose order it changes. INVALID: usage; the text says what is expected. */
struct status cli_parse(int argc, char **argv, struct command_line *ret);

/* Runs the command and says how it went. Needs a command. */
enum exit_status cli_run(const struct program *, const struct command_line *);

/* What --help prints: every command, option and setting, from the tables that feed the parsers. */
void cli_help(FILE *);

/* The settings as the README's Markdown table; a test compares them. */
void cli_help_markdown(FILE *);

#endif
