#include "postgres_fake.h"

#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ErrorResponse. Source: PostgreSQL documentation, "Message Formats". */
static void say_error(int client, const char *severity, const char *sqlstate, const char *message)
{
	char packet[512] = {'E'};
	int length = snprintf(packet + 5, sizeof(packet) - 6, "S%s%cVFATAL%cC%s%cM%s%c", severity,
			      0, 0, sqlstate, 0, message, 0);
	uint32_t size = htonl((uint32_t)length + 1 + 4);

	memcpy(packet + 1, &size, 4);
	fake_say(client, packet, (size_t)length + 1 + 5);
}

struct fake fake_without_tls(void)
{
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		fake_receive(client);
		fake_say(client, "N", 1);
		fake_leave(client);
	}
	return fake;
}

struct fake fake_refusing(const char *sqlstate, const char *severity, const char *message)
{
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		fake_receive(client);
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
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		fake_receive(client);
		fake_say(client, welcome, sizeof(welcome) - 1);
		fake_leave(client);
	}
	return fake;
}

/* An Authentication message: `kind` is below 256 for all there are. */
static void say_authentication(int client, char kind, const char *body, size_t length)
{
	char packet[256] = {'R', 0, 0, 0, (char)(length + 8), 0, 0, 0, kind};

	memcpy(packet + 9, body, length);
	fake_say(client, packet, length + 9);
}

struct fake fake_forging(void)
{
	static const char mechanisms[] = "SCRAM-SHA-256\0";
	static const char final[] = "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	struct fake fake = fake_listen("127.0.0.1");
	char first[1024] = {0}, answer[200];
	ssize_t length;
	int client;

	if (fake_serves(&fake, &client)) {
		fake_receive(client);
		say_authentication(client, 10, mechanisms, sizeof(mechanisms));
		length = read(client, first, sizeof(first) - 1);
		for (ssize_t i = 0; i + 1 < length; i++)
			if (memcmp(first + i, "r=", 2) == 0)
				memmove(first, first + i, sizeof(first) - (size_t)i);
		snprintf(answer, sizeof(answer), "%.64sx,s=c2FsdHNhbHRzYWx0c2FsdA==,i=4096", first);
		say_authentication(client, 11, answer, strlen(answer));
		fake_receive(client);
		say_authentication(client, 12, final, strlen(final));
		fake_leave(client);
	}
	return fake;
}

struct fake fake_asking_otherwise(void)
{
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		fake_receive(client);
		say_authentication(client, 99, "", 0);
		fake_leave(client);
	}
	return fake;
}

struct fake fake_asking_in_clear(void)
{
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		fake_receive(client);
		say_authentication(client, 3, "", 0); /* CleartextPassword */
		_exit(fake_receive(client) == 0 ? 0 : 1);
	}
	return fake;
}

/* With any password. */
static void let_in(int client)
{
	fake_receive(client);
	say_authentication(client, 5, "salt", 4); /* MD5 */
	fake_receive(client);
	fake_say(client, welcome, sizeof(welcome) - 1);
}

struct fake fake_welcoming(const char *sqlstate)
{
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		let_in(client);
		fake_receive(client);
		if (sqlstate == NULL)
			fake_leave(client);
		if (sqlstate[0] != '\0')
			say_error(client, "FATAL", sqlstate, "refused");
		_exit(0);
	}
	return fake;
}

struct fake fake_answering(const struct messages *answers, size_t count)
{
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		let_in(client);
		for (size_t i = 0; i < count && fake_receive(client) > 0; i++)
			fake_say(client, answers[i].bytes, answers[i].length);
		fake_leave(client);
	}
	return fake;
}

struct fake fake_flooding(void)
{
	/* RowDescription of no columns, DataRow of none. */
	static const char head[] = "T\0\0\0\6\0\0", row[] = "D\0\0\0\6\0\0";
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		let_in(client);
		fake_receive(client);
		fake_say(client, head, sizeof(head) - 1);
		for (;;) {
			char rows[7 * 4096];

			for (size_t i = 0; i < sizeof(rows); i += 7)
				memcpy(rows + i, row, 7);
			fake_say(client, rows, sizeof(rows));
		}
	}
	return fake;
}
