#include "runtime/cli.h"

#include "core/json.h"
#include "runtime/command.h"
#include "runtime/invocation.h"
#include "runtime/print.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_MAX_BYTES (1024 * 1024)

static struct invocation invocation_of(const struct program *program)
{
	return (struct invocation){
		.program = program,
		.deadline = deadline_in(&clock_system, program->config->timeout * 1000),
		.started_here = true,
	};
}

static enum exit_status show(const struct buffer *output)
{
	return fwrite(buffer_string(output), 1, output->length, stdout) == output->length &&
			       fflush(stdout) == 0
		       ? EXIT_DONE
		       : EXIT_FAILED;
}

static struct status describe_failure(struct status why, struct buffer *output)
{
	TRY(buffer_printf(output, "{\"result\":\"failed\",\"errorClass\":\"%s\",\"message\":",
			  status_code_name(why.code)));
	TRY(json_quote(why.detail, output));
	return buffer_append_string(output, "}\n");
}

/* A failure, for people and, with --json, for programs: without memory its class alone. */
static enum exit_status complain(const struct command_line *line, struct status why)
{
	AUTO(buffer_clear) struct buffer output = BUFFER_INIT(OUTPUT_MAX_BYTES);

	fprintf(stderr, "tandem: %s\n", why.detail);
	if (!line->json)
		return EXIT_FAILED;
	if (describe_failure(why, &output).code == STATUS_OK)
		show(&output);
	else
		printf("{\"result\":\"failed\",\"errorClass\":\"%s\"}\n",
		       status_code_name(why.code));
	return EXIT_FAILED;
}

/* What a step did, as a line or as a member of a list. */
static struct status describe_step(const struct command_line *line, enum step step,
				   const struct report *report, int64_t duration,
				   struct buffer *output)
{
	if (!line->json)
		return buffer_printf(output, "%-13s %-34s %s%s%6lld ms\n", step_name(step),
				     report->outcome, report->user,
				     report->user[0] != '\0' ? "  " : "", (long long)duration);
	TRY(buffer_printf(output,
			  "{\"step\":\"%s\",\"outcome\":\"%s\",\"durationMs\":%lld,\"user\":",
			  step_name(step), report->outcome, (long long)duration));
	TRY(json_quote(report->user, output));
	return buffer_append_string(output, "}");
}

/* Its notes are told however it went: they may say why. */
static struct status run_and_describe(const struct command_line *line,
				      const struct invocation *invocation,
				      const struct event *event, struct buffer *output)
{
	struct report report = {0};
	int64_t begun = clock_system.now();
	struct status status = invocation_step(invocation, event, &report);

	for (size_t i = 0; i < report.note_count; i++)
		fprintf(stderr, "tandem: note: %s\n", report.notes[i]);
	TRY(status);
	return describe_step(line, event->step, &report, clock_system.now() - begun, output);
}

static enum exit_status run_step(const struct program *program, const struct command_line *line)
{
	AUTO(buffer_clear) struct buffer output = BUFFER_INIT(OUTPUT_MAX_BYTES);
	struct invocation invocation = invocation_of(program);
	struct event event = {.kind = EVENT_STEP, .secret_id = line->arguments[1]};
	const char *token = line->arguments[2];
	struct status status;

	if (!step_from_name(line->arguments[0], &event.step)) {
		fprintf(stderr,
			"tandem: '%s' is no step: createSecret, setSecret, testSecret or "
			"finishSecret\n",
			line->arguments[0]);
		return EXIT_USAGE;
	}
	if (strlen(token) < 32 || strlen(token) > VERSION_ID_MAX) {
		fprintf(stderr, "tandem: a token has 32 to %d characters: `uuidgen` makes one\n",
			VERSION_ID_MAX);
		return EXIT_USAGE;
	}
	memcpy(event.token, token, strlen(token) + 1);
	status = run_and_describe(line, &invocation, &event, &output);
	if (status.code == STATUS_OK && line->json)
		status = buffer_append_string(&output, "\n");
	return status.code == STATUS_OK ? show(&output) : complain(line, status);
}

/* The four steps in this process: the secret has no function that could do them. */
static struct status rotate_here(const struct command_line *line,
				 const struct invocation *invocation, const char *token,
				 struct buffer *output)
{
	struct event event = {.kind = EVENT_STEP, .secret_id = line->arguments[0]};

	memcpy(event.token, token, strlen(token) + 1);
	if (line->json) {
		TRY(buffer_append_string(output, "{\"result\":\"rotated\",\"version\":"));
		TRY(json_quote(token, output));
		TRY(buffer_append_string(output, ",\"steps\":["));
	}
	for (event.step = 0; event.step < STEP_COUNT; event.step++) {
		if (line->json && event.step > 0)
			TRY(buffer_append_string(output, ","));
		TRY(run_and_describe(line, invocation, &event, output));
		if (!line->json) {
			/* A person is watching: each step as it happens. */
			show(output);
			buffer_reset(output);
		}
	}
	return buffer_append_string(output, line->json ? "]}\n" : "");
}

#define POLL_MS 500

/* Secrets Manager calls the function by itself; all there is to see from here is the label. */
static struct status wait_for_rotation(const struct invocation *invocation,
				       struct secret_store *store, const char *secret_id,
				       const char *token)
{
	for (;;) {
		AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

		TRY(store->ops->describe(store, secret_id, &labels));
		if (strcmp(labels.current, token) == 0)
			return OK;
		if (deadline_left(invocation->deadline) <= POLL_MS)
			return failure(
				STATUS_UNAVAILABLE,
				"the rotation was started, but has not finished within %ld s "
				"(TANDEM_TIMEOUT): look at the log of the secret's function and at "
				"`tandem status '%s'`",
				invocation->program->config->timeout, secret_id);
		deadline_sleep(invocation->deadline, POLL_MS);
	}
}

static struct status rotate_there(const struct command_line *line,
				  const struct invocation *invocation, struct secret_store *store,
				  const char *token, struct buffer *output)
{
	const char *secret_id = line->arguments[0];

	TRY(store->ops->rotate(store, secret_id, token));
	if (!line->json)
		fprintf(stderr, "tandem: Secrets Manager is rotating '%s' with its function%s\n",
			secret_id, line->no_wait ? "" : "; waiting");
	if (!line->no_wait)
		TRY(wait_for_rotation(invocation, store, secret_id, token));
	if (!line->json)
		return buffer_printf(output, "%s: version %s\n",
				     line->no_wait ? "started" : "rotated", token);
	TRY(buffer_printf(
		output, "{\"result\":\"%s\",\"version\":", line->no_wait ? "started" : "rotated"));
	TRY(json_quote(token, output));
	return buffer_append_string(output, "}\n");
}

static struct status rotate(const struct program *program, const struct command_line *line,
			    struct buffer *output)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	AUTO(secret_store_close) struct secret_store *store = NULL;
	struct invocation invocation = invocation_of(program);
	const struct secret none = SECRET_INIT;
	struct store_request request = {.secret_id = line->arguments[0],
					.rotation_token = &none,
					.deadline = invocation.deadline};
	char token[VERSION_ID_MAX + 1];

	TRY(program->open_store(program->context, &request, &store));
	TRY(store->ops->describe(store, line->arguments[0], &labels));
	TRY(program->make_token(token));
	if (labels.function != NULL && labels.rotation_enabled)
		return rotate_there(line, &invocation, store, token, output);
	/* A rotation that was interrupted is finished, not begun anew: its password may be in use.
	 */
	if (labels.pending[0] != '\0' && strcmp(labels.pending, labels.current) != 0)
		memcpy(token, labels.pending, sizeof(token));
	return rotate_here(line, &invocation, token, output);
}

static enum exit_status run_rotate(const struct program *program, const struct command_line *line)
{
	AUTO(buffer_clear) struct buffer output = BUFFER_INIT(OUTPUT_MAX_BYTES);
	struct status status = rotate(program, line, &output);

	return status.code == STATUS_OK ? show(&output) : complain(line, status);
}

static enum exit_status inspect(const struct program *program, const struct command_line *line,
				bool thorough)
{
	AUTO(buffer_clear) struct buffer output = BUFFER_INIT(OUTPUT_MAX_BYTES);
	struct invocation invocation = invocation_of(program);
	struct inspection *result = calloc(1, sizeof(*result));
	enum severity worst = FINDING_BAD;
	struct status status = OUT_OF_MEMORY;

	if (result != NULL)
		status = invocation_inspect(&invocation, line->arguments[0], thorough, result);
	if (status.code == STATUS_OK) {
		worst = inspection_severity(result);
		status = line->json
				 ? print_json(result, line->arguments[0], &output)
				 : print_table(result,
					       isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL,
					       &output);
	}
	free(result);
	if (status.code != STATUS_OK)
		return complain(line, status);
	if (show(&output) != EXIT_DONE)
		return EXIT_FAILED;
	return worst == FINDING_BAD ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status run_status(const struct program *program, const struct command_line *line)
{
	return inspect(program, line, false);
}

static enum exit_status run_check(const struct program *program, const struct command_line *line)
{
	return inspect(program, line, true);
}

const struct command commands[] = {
	{"rotate", "SECRET", 1, 0, "rotate now: by the secret's function, or here if it has none",
	 run_rotate},
	{"step", "STEP SECRET TOKEN", 3, 1, "one step, as Secrets Manager would call it", run_step},
	{"status", "SECRET", 1, 0, "users, versions, copies and logins, and whether they agree",
	 run_status},
	{"check", "SECRET", 1, 0, "try all that a rotation needs, changing nothing", run_check},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

struct status cli_parse(int argc, char **argv, struct command_line *ret)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"no-wait", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	struct command_line line = {0};
	size_t given;
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == '?')
			return failure(STATUS_INVALID, "'%s' is no option; see `tandem --help`",
				       argv[optind - 1]);
		line.json |= option == 'j';
		line.no_wait |= option == 'n';
		line.help |= option == 'h';
		line.version |= option == 'v';
	}
	if (line.help || line.version) {
		*ret = line;
		return OK;
	}
	if (optind == argc)
		return failure(STATUS_INVALID, "a command is expected; see `tandem --help`");
	line.command = find_command(argv[optind]);
	if (line.command == NULL)
		return failure(STATUS_INVALID, "'%s' is no command; see `tandem --help`",
			       argv[optind]);
	given = (size_t)(argc - optind - 1);
	if (given != line.command->argument_count)
		return failure(STATUS_INVALID, "usage: tandem %s %s", line.command->name,
			       line.command->usage);
	line.arguments = argv + optind + 1;
	*ret = line;
	return OK;
}

/* A region or endpoint that cannot be right is a mistake in the configuration, whatever command. */
static struct status check_configuration(const struct program *program,
					 const struct command_line *line)
{
	AUTO(secret_store_close) struct secret_store *store = NULL;
	const struct secret none = SECRET_INIT;
	struct store_request request = {
		.secret_id = line->arguments[line->command->secret],
		.rotation_token = &none,
		.deadline = deadline_in(&clock_system, program->config->timeout * 1000),
	};

	return program->open_store(program->context, &request, &store);
}

enum exit_status cli_run(const struct program *program, const struct command_line *line)
{
	struct status status = check_configuration(program, line);

	if (status.code != STATUS_OK) {
		complain(line, status);
		return status.code == STATUS_INVALID ? EXIT_USAGE : EXIT_FAILED;
	}
	return line->command->run(program, line);
}
