/*
 * What a runtime is given, made of fakes: a program whose stores are the world in memory, and whose
 * log is read back line by line.
 */
#ifndef TESTS_RUNTIME_SCRIPTED_PROGRAM_H
#define TESTS_RUNTIME_SCRIPTED_PROGRAM_H

#include "fakes/world.h"
#include "runtime/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct world world;
static struct log program_log = {.level = LOG_INFO, .format = LOG_FORMAT_JSON};
static int log_read_end;
static struct program program;

static struct status no_store, no_caller; /* OK: there is one */
static int64_t store_deadlines[8];	  /* milliseconds left, of each store that was asked for */
static char store_traces[8][64];	  /* what _X_AMZN_TRACE_ID was then */
static int stores;

static inline struct status open_fake_store(void *context, const struct store_request *request,
					    struct secret_store **ret)
{
	const char *trace = getenv("_X_AMZN_TRACE_ID");

	(void)context;
	store_deadlines[stores % 8] = deadline_left(request->deadline);
	snprintf(store_traces[stores % 8], sizeof(store_traces[0]), "%s",
		 trace != NULL ? trace : "none");
	stores++;
	TRY(no_store);
	*ret = fake_store(&world);
	return OK;
}

static inline struct status open_fake_directory(void *context, const struct store_request *request,
						struct directory **ret)
{
	(void)context;
	(void)request;
	*ret = fake_directory(&world);
	return OK;
}

static inline struct status name_fake_caller(void *context, const struct store_request *request,
					     char *ret, size_t size)
{
	(void)context;
	(void)request;
	TRY(no_caller);
	snprintf(ret, size, "the caller");
	return OK;
}

static inline struct status make_fake_token(char ret[VERSION_ID_MAX + 1])
{
	static int made;

	snprintf(ret, VERSION_ID_MAX + 1, "token-of-the-program-00000000000%03d", made++);
	return OK;
}

static inline void program_make(unsigned shape)
{
	int ends[2];

	world_make(&world, shape);
	/* Without a reader's wait: what is not there is an empty line. */
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	log_read_end = ends[0];
	program_log.fd = ends[1];
	no_store = no_caller = OK;
	stores = 0;
	program = (struct program){
		.config = &world.config,
		.log = &program_log,
		.drivers = fake_drivers,
		.random = world.rotation.random,
		.open_store = open_fake_store,
		.open_directory = open_fake_directory,
		.describe_caller = name_fake_caller,
		.make_token = make_fake_token,
	};
}

static inline void program_clear(void)
{
	close(log_read_end);
	close(program_log.fd);
	world_clear(&world);
}

/* The next line of the log, "" when there is none left. */
static inline const char *logged(void)
{
	static char line[4096];
	size_t length = 0;

	while (length < sizeof(line) - 1 && read(log_read_end, line + length, 1) == 1 &&
	       line[length] != '\n')
		length++;
	line[length] = '\0';
	return line;
}

/* The next line of the log is of this level, and each of the texts is in it. */
#define assert_logged(level, ...)                                                                \
	do {                                                                                     \
		const char *const parts_[] = {"\"level\":\"" level "\"", __VA_ARGS__};           \
		const char *line_ = logged();                                                    \
		for (size_t part_ = 0; part_ < sizeof(parts_) / sizeof(parts_[0]); part_++)      \
			if (strstr(line_, parts_[part_]) == NULL)                                \
				fail_msg("no '%s' in the log's line: %s", parts_[part_], line_); \
	} while (0)

#endif
