/*
 * http over TLS, against openssl(1) as the server: whom it believes, and that it sends nothing to
 * anybody else.
 */
#include "test.h"

#include "clients/http/http.h"
#include "core/memory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[32], certificate[64], key[64], other[64], settings[64];
static struct http *http;

/* Starts openssl(1) with its output in a pipe. */
static pid_t start(const char *const arguments[], FILE **output)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(nowhere, STDIN_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
		close(ends[0]);
		execvp("openssl",
		       (char *const *)(uintptr_t)arguments); /* C cannot say that it changes none */
		_exit(127);
	}
	close(ends[1]);
	*output = fdopen(ends[0], "r");
	assert_true(child > 0);
	assert_non_null(*output);
	return child;
}

static int make_certificate(const char *path)
{
	const char *const arguments[] = {"openssl",
					 "req",
					 "-x509",
					 "-newkey",
					 "ec",
					 "-pkeyopt",
					 "ec_paramgen_curve:P-256",
					 "-nodes",
					 "-keyout",
					 key,
					 "-out",
					 path,
					 "-days",
					 "2",
					 "-subj",
					 "/CN=test",
					 "-addext",
					 "subjectAltName=IP:127.0.0.1",
					 NULL};
	FILE *output;
	int status;
	pid_t child = start(arguments, &output);

	waitpid(child, &status, 0);
	fclose(output);
	return status;
}

/* Debian's OpenSSL refuses old versions by itself; here it must be we who do. */
static int allow_old_versions(void)
{
	FILE *file = fopen(settings, "we");

	if (file == NULL)
		return -1;
	fputs("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
	      "[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n"
	      "[req]\ndistinguished_name = d\n[d]\n",
	      file);
	fclose(file);
	return setenv("OPENSSL_CONF", settings, 1);
}

static int make_files(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/tls-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(certificate, sizeof(certificate), "%s/certificate", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	snprintf(key, sizeof(key), "%s/key", folder);
	snprintf(settings, sizeof(settings), "%s/openssl.cnf", folder);
	if (allow_old_versions() != 0)
		return -1;
	if (make_certificate(other) != 0 || make_certificate(certificate) != 0)
		return -1;
	return http_open(&http).code == STATUS_OK ? 0 : -1;
}

static int remove_files(void **state)
{
	(void)state;
	http_close(&http);
	unlink(certificate);
	unlink(other);
	unlink(key);
	unlink(settings);
	return rmdir(folder);
}

struct server {
	pid_t child;
	FILE *output;
	int port;
};

static void server_start(struct server *server, const char *version)
{
	const char *const arguments[] = {
		"openssl", "s_server", "-accept", "127.0.0.1:0",     "-cert", certificate, "-key",
		key,	   "-www",     "-cipher", "ALL:@SECLEVEL=0", version, NULL};
	char line[128];

	server->port = 0;
	server->child = start(arguments, &server->output);
	while (server->port == 0 && fgets(line, sizeof(line), server->output) != NULL)
		sscanf(line, "ACCEPT 127.0.0.1:%d", &server->port);
	assert_int_not_equal(server->port, 0);
}

static void server_stop(struct server *server)
{
	kill(server->child, SIGTERM);
	waitpid(server->child, NULL, 0);
	fclose(server->output);
}

/* One request to a server of this version; `host` is how we call it, `ca` whom we trust. */
static struct status ask(const char *version, const char *host, const char *ca,
			 struct http_response *response)
{
	struct server server;
	char url[64];
	struct http_request request = {.what = "the TLS server",
				       .method = "GET",
				       .url = url,
				       .ca_file = ca,
				       .ca_setting = "AWS_CA_BUNDLE",
				       .bypass_proxy = true,
				       .deadline = deadline_in(&clock_system, 5000)};
	struct status status;

	server_start(&server, version);
	snprintf(url, sizeof(url), "https://%s:%d/", host, server.port);
	status = http_exchange(http, &request, response);
	server_stop(&server);
	return status;
}

static void tls_trusted_server_is_asked(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	assert_ok(ask("-tls1_2", "127.0.0.1", certificate, &response));
	assert_int_equal(response.status, 200);
	assert_ok(ask("-tls1_3", "127.0.0.1", certificate, &response));
	assert_int_equal(response.status, 200);
}

static void tls_unknown_ca_is_sent_nothing_and_names_the_setting(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	assert_failed(ask("-tls1_3", "127.0.0.1", other, &response), STATUS_INVALID,
		      "set AWS_CA_BUNDLE");
	assert_int_equal(response.progress, HTTP_NOT_SENT);
	/* The same with the system's store. */
	assert_failed(ask("-tls1_3", "127.0.0.1", NULL, &response), STATUS_INVALID,
		      "cannot be verified");
	assert_int_equal(response.progress, HTTP_NOT_SENT);
}

static void tls_certificate_for_another_name_is_refused(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	assert_failed(ask("-tls1_3", "localhost", certificate, &response), STATUS_INVALID,
		      "cannot be verified");
	assert_int_equal(response.progress, HTTP_NOT_SENT);
}

static void tls_version_below_1_2_is_refused(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	assert_failed(ask("-tls1_1", "127.0.0.1", certificate, &response), STATUS_UNAVAILABLE,
		      "cannot be reached");
	assert_int_equal(response.progress, HTTP_NOT_SENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_trusted_server_is_asked),
		cmocka_unit_test(tls_unknown_ca_is_sent_nothing_and_names_the_setting),
		cmocka_unit_test(tls_certificate_for_another_name_is_refused),
		cmocka_unit_test(tls_version_below_1_2_is_refused),
	};

	memory_init();
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
