/*
 * tandem-sandbox: a strict local stand-in for the AWS services that a rotation needs. See
 * README.md.
 *
 * Everything is in memory and gone when the process ends, which SIGTERM or SIGINT asks for.
 */
#include "sandbox.h"
#include "server.h"
#include "text.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: tandem-sandbox [--port N] [--port-file FILE] [--tls-cert PEM --tls-key PEM]\n"
	"                      [--region eu-west-1] [--account 123456789012]\n"
	"                      [--retry-delay-ms 500] [--lambda-timeout-ms 60000]\n"
	"A local stand-in for Secrets Manager, STS, instance metadata, container credentials and\n"
	"the Lambda Runtime API. Listens on 127.0.0.1; port 0, the default, takes a free one.\n";

static bool read_number(const char *text, long minimum, long maximum, long *ret)
{
	char *end = NULL;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < minimum || number > maximum)
		return false;
	*ret = number;
	return true;
}

static bool read_options(int count, char **arguments, struct options *options,
			 int64_t *retry_delay_ms)
{
	static const struct option known[] = {
		{"port", required_argument, NULL, 'p'},
		{"port-file", required_argument, NULL, 'f'},
		{"tls-cert", required_argument, NULL, 'c'},
		{"tls-key", required_argument, NULL, 'k'},
		{"region", required_argument, NULL, 'r'},
		{"account", required_argument, NULL, 'a'},
		{"retry-delay-ms", required_argument, NULL, 'd'},
		{"lambda-timeout-ms", required_argument, NULL, 't'},
		{0},
	};
	long port = 0, delay = 500, timeout = 60000;
	bool good = true;

	for (int letter; (letter = getopt_long(count, arguments, "", known, NULL)) != -1;) {
		switch (letter) {
		case 'p':
			good &= read_number(optarg, 0, 65535, &port);
			break;
		case 'f':
			options->port_file = optarg;
			break;
		case 'c':
			options->tls_cert = optarg;
			break;
		case 'k':
			options->tls_key = optarg;
			break;
		case 'r':
			options->region = optarg;
			good &= strlen(optarg) <= 32;
			break;
		case 'a':
			options->account = optarg;
			good &= strlen(optarg) == 12;
			break;
		case 'd':
			good &= read_number(optarg, 0, 3600000, &delay);
			break;
		case 't':
			good &= read_number(optarg, 1, 900000, &timeout);
			break;
		default:
			return false;
		}
	}
	options->port = (uint16_t)port;
	options->lambda_timeout_ms = timeout;
	*retry_delay_ms = delay;
	return good && optind == count && !options->tls_cert == !options->tls_key;
}

/* Who waits for the file must never read half a number: written beside it, then renamed. */
static bool write_port(const char *path, uint16_t port)
{
	char beside[4096];
	FILE *file;
	bool good;

	if (strlen(path) + 5 > sizeof(beside))
		return false;
	format_text(beside, sizeof(beside), "%s.new", path);
	file = fopen(beside, "we");
	if (file == NULL)
		return false;
	good = fprintf(file, "%u\n", port) > 0;
	good &= fclose(file) == 0;
	return good && rename(beside, path) == 0;
}

static bool announce(const struct options *options, uint16_t port)
{
	if (options->port_file != NULL && !write_port(options->port_file, port)) {
		fprintf(stderr, "tandem-sandbox: cannot write %s: %s\n", options->port_file,
			strerror(errno));
		return false;
	}
	printf("listening on %s://127.0.0.1:%u\n", options->tls_cert != NULL ? "https" : "http",
	       port);
	return fflush(stdout) == 0;
}

int main(int count, char **arguments)
{
	static struct sandbox sandbox;
	struct options options = {.region = "eu-west-1", .account = "123456789012"};
	int64_t retry_delay_ms;
	struct server *server;
	sigset_t endings;
	int signal_number;
	bool good;

	if (!read_options(count, arguments, &options, &retry_delay_ms)) {
		fputs(usage, stderr);
		return 2;
	}
	/* Before the first thread, so that every thread leaves them to sigwait(). */
	sigemptyset(&endings);
	sigaddset(&endings, SIGTERM);
	sigaddset(&endings, SIGINT);
	pthread_sigmask(SIG_BLOCK, &endings, NULL);
	signal(SIGPIPE, SIG_IGN);

	sandbox_init(&sandbox, &options, retry_delay_ms);
	server = server_open(&sandbox);
	if (server == NULL)
		return 1;
	good = announce(&options, server_port(server));
	if (good)
		sigwait(&endings, &signal_number);
	sandbox_stop(&sandbox);
	server_close(&server);
	sandbox_clear(&sandbox);
	return good ? 0 : 1;
}
