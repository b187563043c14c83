#include "mysql_fake.h"

#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void say_too(struct conversation *talk, unsigned sequence, const char *payload, size_t length)
{
	size_t turn = talk->count - 1;
	char *at = talk->turns[turn].bytes + talk->turns[turn].length;

	assert_true(talk->turns[turn].length + length + 4 <= sizeof(talk->turns[0].bytes));
	at[0] = (char)(length & 0xff);
	at[1] = (char)(length >> 8);
	at[2] = 0;
	at[3] = (char)sequence;
	memcpy(at + 4, payload, length);
	talk->turns[turn].length += length + 4;
}

void say_next(struct conversation *talk, unsigned sequence, const char *payload, size_t length)
{
	assert_true(talk->count < TURNS_MAX);
	talk->count++;
	say_too(talk, sequence, payload, length);
}

void say_greeting(struct conversation *talk, bool tls)
{
	enum { SSL = 0x08, PROTOCOL_41 = 0x02, SECURE = 0x80, WITH_DB = 0x08, LONG_PASSWORD = 1 };
	char greeting[] = "\x0a"
			  "8.0.36\0" /* version */
			  "\1\0\0\0" /* thread */
			  "abcdefgh\0"
			  "\0\0"   /* capabilities, the lower half: below */
			  "\x2d"   /* character set */
			  "\2\0"   /* status */
			  "\x08\0" /* the upper half: PLUGIN_AUTH */
			  "\x15"   /* length of the scramble */
			  "\0\0\0\0\0\0\0\0\0\0"
			  "ijklmnopqrst\0"
			  "mysql_native_password";

	greeting[21] = LONG_PASSWORD | WITH_DB;
	greeting[22] = (char)(PROTOCOL_41 | SECURE | (tls ? SSL : 0));
	say_next(talk, 0, greeting, sizeof(greeting));
}

void say_ok(struct conversation *talk, unsigned sequence)
{
	say_next(talk, sequence, "\0\0\0\2\0\0\0", 7);
}

void say_error(struct conversation *talk, unsigned sequence, unsigned error)
{
	char packet[64] = {'\xff', (char)(error & 0xff), (char)(error >> 8)};
	int length = snprintf(packet + 3, sizeof(packet) - 3, "#HY000secret words of the server");

	say_next(talk, sequence, packet, 3 + (size_t)length);
}

void say_switch(struct conversation *talk, unsigned sequence, const char *plugin)
{
	char packet[128] = {'\xfe'};
	size_t length = strlen(plugin) + 2;

	memcpy(packet + 1, plugin, strlen(plugin));
	memcpy(packet + length, "abcdefghijklmnopqrst", 21);
	say_next(talk, sequence, packet, length + 21);
}

void say_welcome(struct conversation *talk)
{
	say_greeting(talk, false);
	say_ok(talk, 2);
}

/* catalog "def", then schema, table, its name, column, its name: empty but for the column's. */
static const char column[] = "\3def\0\0\0\1a\1a\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0";
static const char end[] = "\xfe\0\0\2\0";

void say_row(struct conversation *talk, const char *value)
{
	char row[256] = {(char)strlen(value)};

	memcpy(row + 1, value, strlen(value));
	say_next(talk, 1, "\1", 1);
	say_too(talk, 2, column, sizeof(column) - 1);
	say_too(talk, 3, end, sizeof(end) - 1);
	say_too(talk, 4, row, strlen(value) + 1);
	say_too(talk, 5, end, sizeof(end) - 1);
}

struct fake fake_talking(const struct conversation *talk, bool hangs_up)
{
	struct fake fake = fake_listen("127.0.0.1");
	int client;

	if (fake_serves(&fake, &client)) {
		for (size_t i = 0; i < talk->count; i++) {
			if (i > 0 && fake_receive(client) == 0)
				_exit(0);
			fake_say(client, talk->turns[i].bytes, talk->turns[i].length);
		}
		if (hangs_up) {
			(void)shutdown(client, SHUT_WR);
			_exit(fake_receive(client) == 0 ? 0 : 1);
		}
		fake_leave(client);
	}
	return fake;
}

struct fake fake_dripping(void)
{
	struct fake fake = fake_listen("127.0.0.1");
	struct conversation talk = CONVERSATION_INIT;
	int client;

	say_greeting(&talk, true);
	if (fake_serves(&fake, &client)) {
		/* A greeting of a version without an end would do as well. */
		for (size_t i = 0; i < talk.turns[0].length; i++) {
			fake_say(client, talk.turns[0].bytes + i, 1);
			usleep(100 * 1000);
		}
		fake_leave(client);
	}
	return fake;
}

struct fake fake_flooding(void)
{
	struct fake fake = fake_listen("127.0.0.1");
	struct conversation talk = CONVERSATION_INIT;
	char rows[255 * 128];
	int client;

	say_welcome(&talk);
	say_row(&talk, "x");
	/* All but the row and the end of the answer. */
	talk.turns[2].length -= (4 + 2) + (4 + 5);
	if (fake_serves(&fake, &client)) {
		for (size_t i = 0; i < 3; i++) {
			if (i > 0)
				fake_receive(client);
			fake_say(client, talk.turns[i].bytes, talk.turns[i].length);
		}
		/* Rows of 251 bytes in all: a length, then 250 of them. */
		for (unsigned char sequence = 4;;) {
			for (size_t i = 0; i < sizeof(rows); i += 255, sequence++) {
				memset(rows + i, 'x', 255);
				memcpy(rows + i, "\xfb\0\0", 3);
				rows[i + 3] = (char)sequence;
				rows[i + 4] = (char)250;
			}
			fake_say(client, rows, sizeof(rows));
		}
	}
	return fake;
}
