/*
 * http over TLS, against openssl(1) as the server: whom it believes, and that it sends nothing to
 * anybody else.
 */
#include "test.h"

#include "clients/http/http.h"
#include "core/memory.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* AddressSanitizer keeps what was freed: there copies are meant to stay. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED
#endif

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

#ifndef SANITIZED
/* How often text stands in memory that can be written, this program's own copies aside. */
static int copies_in_memory(const char *text)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t length = strlen(text);
	char line[512], access[8];
	uintptr_t from, to;
	int count = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &from, &to, access) != 3 ||
		    strncmp(access, "rw", 2) != 0 || strstr(line, "[stack]") != NULL)
			continue;
		for (const char *at = (const char *)from; (uintptr_t)at + length <= to; at++)
			count += memcmp(at, text, length) == 0;
	}
	fclose(maps);
	return count;
}

#define ANSWER "the body that nobody may find again"

/* openssl(1) closes after each answer; this one, a process of its own, keeps the connection. */
static void serve_and_stay(int listener)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n" ANSWER;
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL *connection = SSL_new(context);
	char request[4096];

	SSL_use_certificate_file(connection, certificate, SSL_FILETYPE_PEM);
	SSL_use_PrivateKey_file(connection, key, SSL_FILETYPE_PEM);
	SSL_set_fd(connection, accept(listener, NULL, NULL));
	if (SSL_accept(connection) == 1 && SSL_read(connection, request, sizeof(request)) > 0)
		SSL_write(connection, answer, sizeof(answer) - 1);
	SSL_read(connection, request, sizeof(request)); /* until the peer has gone */
	_exit(0);
}

static void tls_answer_leaves_no_copy_behind(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char url[64];
	struct http_request request = {.what = "the TLS server",
				       .method = "GET",
				       .url = url,
				       .ca_file = certificate,
				       .bypass_proxy = true,
				       .deadline = deadline_in(&clock_system, 5000)};
	pid_t child;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", ntohs(address.sin_port));
	child = fork();
	if (child == 0)
		serve_and_stay(listener);
	close(listener);
	assert_ok(http_exchange(http, &request, &response));
	assert_int_equal(copies_in_memory(ANSWER), 1);
	http_response_clear(&response);
	assert_int_equal(copies_in_memory(ANSWER), 0); /* the connection is still open */
	http_close(&http);
	assert_int_equal(copies_in_memory(ANSWER), 0);
	waitpid(child, NULL, 0);
	assert_ok(http_open(&http));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_trusted_server_is_asked),
		cmocka_unit_test(tls_unknown_ca_is_sent_nothing_and_names_the_setting),
		cmocka_unit_test(tls_certificate_for_another_name_is_refused),
		cmocka_unit_test(tls_version_below_1_2_is_refused),
#ifndef SANITIZED
		cmocka_unit_test(tls_answer_leaves_no_copy_behind),
#endif
	};

	memory_init();
	cmocka_set_skip_filter(getenv("SKIP_TEST")); /* for ci/valgrind.py, which says why */
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
