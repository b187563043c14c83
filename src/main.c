/*
 * main: wires ports to clients and picks the runtime. The only file that sees every layer.
 */
#include "clients/aws/aws.h"
#include "clients/aws/rds.h"
#include "clients/aws/secrets_manager.h"
#include "clients/random.h"
#include "clients/sql/drivers.h"
#include "core/memory.h"
#include "runtime/cli.h"
#include "runtime/lambda.h"
#include "runtime/program.h"
#include "runtime/work_limit.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* The memory of this process holds passwords: no core file, no debugger of the same user. */
static void shut_memory(void)
{
	const struct rlimit none = {0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static const char *look_up(const char *name)
{
	return getenv(name);
}

static struct status open_store(void *context, const struct store_request *request,
				struct secret_store **ret)
{
	const struct secrets_manager_options options = {
		.deadline = request->deadline,
		.application_secret_id = request->secret_id,
		.rotation_token = request->rotation_token,
	};

	return secrets_manager_open(context, &options, ret);
}

static struct status open_directory(void *context, const struct store_request *request,
				    struct directory **ret)
{
	const struct rds_options options = {.deadline = request->deadline,
					    .application_secret_id = request->secret_id};

	return rds_open(context, &options, ret);
}

static struct status describe_caller(void *context, const struct store_request *request, char *ret,
				     size_t size)
{
	const char *who = NULL;

	TRY(aws_describe_caller(context, request->deadline, &who));
	snprintf(ret, size, "%s", who);
	return OK;
}

static struct status make_token(char ret[VERSION_ID_MAX + 1])
{
	_Static_assert(UUID_SIZE <= VERSION_ID_MAX + 1, "a UUID is a token");

	return random_uuid(ret);
}

/* Lambda's own variables win: an operator sets them without a new deployment. */
static enum log_level log_level_of(const struct config *config)
{
	static const enum log_level of_lambda[] = {0,	     LOG_ERROR, LOG_ERROR, LOG_WARN,
						   LOG_INFO, LOG_DEBUG, LOG_DEBUG};

	if (config->lambda_log_level != 0)
		return of_lambda[config->lambda_log_level];
	if (config->log_level != 0)
		return (enum log_level)config->log_level;
	/* A command says by itself how it went. */
	return config->lambda_runtime_api != NULL ? LOG_INFO : 0;
}

static struct log log_of(const struct config *config)
{
	enum log_format format = (enum log_format)config->lambda_log_format;

	if (format == 0)
		format = config->lambda_runtime_api != NULL ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	return (struct log){.fd = STDERR_FILENO, .level = log_level_of(config), .format = format};
}

static void log_failure(const struct log *log, struct status why)
{
	const struct log_field fields[] = {LOG_TEXT("errorClass", status_code_name(why.code)),
					   LOG_END};

	log_write(log, LOG_ERROR, why.detail, fields);
}

static void *openssl_alloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return memory_alloc(size);
}

static void *openssl_resize(void *block, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return memory_resize(block, size);
}

static void openssl_free(void *block, const char *file, int line)
{
	(void)file, (void)line;
	memory_free(block);
}

/*
 * For want of memory OpenSSL finds certificates invalid, files unreadable and keys weak; that its
 * allocations are counted tells that from the truth. Before anything of it is used.
 */
static struct status count_openssl(void)
{
	return CRYPTO_set_mem_functions(openssl_alloc, openssl_resize, openssl_free) == 1
		       ? OK
		       : failure(STATUS_INTERNAL, "OpenSSL was used before main()");
}

/* OpenSSL 3.0 goes on without the context that it had no memory for, and falls over it later. */
static struct status start_openssl(void)
{
	if (OSSL_LIB_CTX_get0_global_default() == NULL ||
	    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
		return OUT_OF_MEMORY;
	return OK;
}

/* What a library could not set up it will miss later, and find another reason for. */
static struct status start_clients(const struct config *config, struct aws **ret)
{
	TRY(start_openssl());
	TRY(aws_open(config, ret));
	return memory_failures() == 0 ? OK : OUT_OF_MEMORY;
}

/* A configuration that cannot be read, or no memory for it: said where the reader is. */
static int refuse_to_start(struct status why)
{
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
	const struct log log = {.fd = STDERR_FILENO, .level = LOG_ERROR, .format = LOG_FORMAT_JSON};

	if (api != NULL && *api != '\0') {
		log_failure(&log, why);
		lambda_report_init_error(api, why);
		return EXIT_FAILED;
	}
	fprintf(stderr, "tandem: %s\n", why.detail);
	return why.code == STATUS_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

/* Help, version and mistakes need no configuration. `*done`: there is nothing left to run. */
static int read_command_line(int argc, char **argv, struct command_line *line, bool *done)
{
	struct status parsed = cli_parse(argc, argv, line);

	*done = true;
	if (parsed.code != STATUS_OK) {
		fprintf(stderr, "tandem: %s\n", parsed.detail);
		return EXIT_USAGE;
	}
	if (line->help) {
		cli_help(stdout);
		return EXIT_DONE;
	}
	if (line->version) {
		printf("tandem " TANDEM_VERSION "\n");
		return EXIT_DONE;
	}
	*done = false;
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
	bool as_function = api != NULL && *api != '\0', done = false;
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	AUTO(aws_close) struct aws *aws = NULL;
	struct command_line line = {0};
	struct config config;
	struct status ready;
	struct log log;
	int status;

	shut_memory();
	memory_init();
	sigaction(SIGPIPE, &ignore, NULL); /* a server that hangs up is an error, not our end */
	if (!as_function) {
		status = read_command_line(argc, argv, &line, &done);
		if (done)
			return status;
	}
	ready = count_openssl();
	if (ready.code == STATUS_OK)
		ready = config_load(look_up, &config);
	if (ready.code == STATUS_OK)
		ready = start_clients(&config, &aws);
	if (ready.code != STATUS_OK)
		return refuse_to_start(ready);
	log = log_of(&config);

	const struct program program = {
		.config = &config,
		.log = &log,
		.drivers = sql_drivers,
		.random = &random_openssl,
		.context = aws,
		.open_store = open_store,
		.open_directory = open_directory,
		.describe_caller = describe_caller,
		.make_token = make_token,
	};

	if (!as_function) {
		work_limit_set(config.timeout);
		return (int)cli_run(&program, &line);
	}
	lambda_run(&program);
	return EXIT_FAILED;
}
