#include "postgres_fake.h"

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake listen_on(const char *address)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	socklen_t length = sizeof(name);
	struct fake fake = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	inet_pton(AF_INET, address, &name.sin_addr);
	assert_int_equal(bind(fake.listener, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fake.listener, 4), 0);
	assert_int_equal(getsockname(fake.listener, (struct sockaddr *)&name, &length), 0);
	fake.port = ntohs(name.sin_port);
	return fake;
}

/* True in the child, whose one client is `ret`. */
static bool serves(struct fake *fake, int *ret)
{
	fake->pid = fork();
	assert_true(fake->pid >= 0);
	if (fake->pid > 0)
		return false;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	*ret = accept(fake->listener, NULL, NULL);
	return true;
}

static size_t receive(int client)
{
	char request[1024];
	ssize_t length = read(client, request, sizeof(request));

	return length > 0 ? (size_t)length : 0;
}

static void say(int client, const void *bytes, size_t length)
{
	if (write(client, bytes, length) != (ssize_t)length)
		_exit(1);
}

/* Stays until the client has left, so that what was said is not lost with the connection. */
static _Noreturn void leave(int client)
{
	while (receive(client) > 0)
		;
	_exit(0);
}

/* ErrorResponse. Source: PostgreSQL documentation, "Message Formats". */
static void say_error(int client, const char *severity, const char *sqlstate, const char *message)
{
	char packet[512] = {'E'};
	int length = snprintf(packet + 5, sizeof(packet) - 6, "S%s%cVFATAL%cC%s%cM%s%c", severity,
			      0, 0, sqlstate, 0, message, 0);
	uint32_t size = htonl((uint32_t)length + 1 + 4);

	memcpy(packet + 1, &size, 4);
	say(client, packet, (size_t)length + 1 + 5);
}

struct fake fake_silent(void)
{
	return listen_on("127.0.0.1");
}

struct fake fake_without_tls(void)
{
	struct fake fake = listen_on("127.0.0.1");
	int client;

	if (serves(&fake, &client)) {
		receive(client);
		say(client, "N", 1);
		leave(client);
	}
	return fake;
}

struct fake fake_refusing(const char *sqlstate, const char *severity, const char *message)
{
	struct fake fake = listen_on("127.0.0.1");
	int client;

	if (serves(&fake, &client)) {
		receive(client);
		say_error(client, severity, sqlstate, message);
		_exit(0);
	}
	return fake;
}

struct fake fake_refusing_tls(void)
{
	return fake_refusing("28P01", "FATAL", "wrong password, says whoever is on the way");
}

/* AuthenticationOk, ReadyForQuery. */
static const char welcome[] = "R\0\0\0\10\0\0\0\0Z\0\0\0\5I";

struct fake fake_trusting(void)
{
	struct fake fake = listen_on("127.0.0.1");
	int client;

	if (serves(&fake, &client)) {
		receive(client);
		say(client, welcome, sizeof(welcome) - 1);
		leave(client);
	}
	return fake;
}

/* An Authentication message: `kind` is below 256 for all there are. */
static void say_authentication(int client, char kind, const char *body, size_t length)
{
	char packet[256] = {'R', 0, 0, 0, (char)(length + 8), 0, 0, 0, kind};

	memcpy(packet + 9, body, length);
	say(client, packet, length + 9);
}

struct fake fake_forging(void)
{
	static const char mechanisms[] = "SCRAM-SHA-256\0";
	static const char final[] = "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	struct fake fake = listen_on("127.0.0.1");
	char first[1024] = {0}, answer[200];
	ssize_t length;
	int client;

	if (serves(&fake, &client)) {
		receive(client);
		say_authentication(client, 10, mechanisms, sizeof(mechanisms));
		length = read(client, first, sizeof(first) - 1);
		for (ssize_t i = 0; i + 1 < length; i++)
			if (memcmp(first + i, "r=", 2) == 0)
				memmove(first, first + i, sizeof(first) - (size_t)i);
		snprintf(answer, sizeof(answer), "%.64sx,s=c2FsdHNhbHRzYWx0c2FsdA==,i=4096", first);
		say_authentication(client, 11, answer, strlen(answer));
		receive(client);
		say_authentication(client, 12, final, strlen(final));
		leave(client);
	}
	return fake;
}

struct fake fake_asking_otherwise(void)
{
	struct fake fake = listen_on("127.0.0.1");
	int client;

	if (serves(&fake, &client)) {
		receive(client);
		say_authentication(client, 99, "", 0);
		leave(client);
	}
	return fake;
}

struct fake fake_asking_in_clear(void)
{
	struct fake fake = listen_on("127.0.0.1");
	int client;

	if (serves(&fake, &client)) {
		receive(client);
		say_authentication(client, 3, "", 0); /* CleartextPassword */
		_exit(receive(client) == 0 ? 0 : 1);
	}
	return fake;
}

/* With any password. */
static void let_in(int client)
{
	receive(client);
	say_authentication(client, 5, "salt", 4); /* MD5 */
	receive(client);
	say(client, welcome, sizeof(welcome) - 1);
}

struct fake fake_welcoming(const char *sqlstate)
{
	struct fake fake = listen_on("127.0.0.1");
	int client;

	if (serves(&fake, &client)) {
		let_in(client);
		receive(client);
		if (sqlstate == NULL)
			leave(client);
		if (sqlstate[0] != '\0')
			say_error(client, "FATAL", sqlstate, "refused");
		_exit(0);
	}
	return fake;
}

struct fake fake_answering(const struct messages *answers, size_t count)
{
	struct fake fake = listen_on("127.0.0.1");
	int client;

	if (serves(&fake, &client)) {
		let_in(client);
		for (size_t i = 0; i < count && receive(client) > 0; i++)
			say(client, answers[i].bytes, answers[i].length);
		leave(client);
	}
	return fake;
}

struct fake fake_flooding(void)
{
	/* RowDescription of no columns, DataRow of none. */
	static const char head[] = "T\0\0\0\6\0\0", row[] = "D\0\0\0\6\0\0";
	struct fake fake = listen_on("127.0.0.1");
	int client;

	if (serves(&fake, &client)) {
		let_in(client);
		receive(client);
		say(client, head, sizeof(head) - 1);
		for (;;) {
			char rows[7 * 4096];

			for (size_t i = 0; i < sizeof(rows); i += 7)
				memcpy(rows + i, row, 7);
			say(client, rows, sizeof(rows));
		}
	}
	return fake;
}

static void relay(int client, int server)
{
	struct pollfd ends[2] = {{.fd = client, .events = POLLIN},
				 {.fd = server, .events = POLLIN}};
	char bytes[4096];

	while (poll(ends, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t length;

			if (ends[i].revents == 0)
				continue;
			length = read(ends[i].fd, bytes, sizeof(bytes));
			if (length <= 0)
				return;
			say(ends[1 - i].fd, bytes, (size_t)length);
		}
}

struct fake fake_relay(uint16_t port)
{
	struct fake fake = listen_on("127.0.0.2");
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int client;

	if (serves(&fake, &client)) {
		int server = socket(AF_INET, SOCK_STREAM, 0);

		inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
		if (connect(server, (struct sockaddr *)&to, sizeof(to)) == 0)
			relay(client, server);
		_exit(0);
	}
	return fake;
}

void fake_end(struct fake *fake)
{
	if (fake->pid > 0) {
		kill(fake->pid, SIGKILL);
		waitpid(fake->pid, NULL, 0);
	}
	close(fake->listener);
}

bool fake_end_unanswered(struct fake *fake)
{
	int status = 1;

	waitpid(fake->pid, &status, 0);
	fake->pid = 0;
	close(fake->listener);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
