/*
 * What a server, or whoever answers in its place, says when it refuses: it decides between "wrong
 * password" and "try again", and its words are never repeated.
 *
 * Input: how far the connection had come, whether a proxy is asked, then libpq's message.
 */
#include "fuzz.h"

#include "clients/sql/postgres_error.h"

/* A word that only the message holds. */
#define MARK "qXz7"

static const char *message;

char *__wrap_PQerrorMessage(const PGconn *);

char *__wrap_PQerrorMessage(const PGconn *connection)
{
	(void)connection;
	return (char *)(uintptr_t)message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct postgres session = {.place = "the database at db.example:5432",
				   .user = "app",
				   .dbname = "shop",
				   .ca_file = "/etc/ca.pem"};
	AUTO(string_clear) char *text = NULL, *whole = NULL;
	struct input input = INPUT(data, size);
	ConnStatusType stage = (ConnStatusType)take_choice(&input, CONNECTION_CHECK_STANDBY + 1);
	struct status status;
	size_t length;

	session.kind = take_choice(&input, 2) == 1 ? LOGIN_PROXY : LOGIN_DATABASE;
	session.tls = take_choice(&input, 2) == 0;
	text = take_rest(&input, &length);
	whole = memory_alloc(length + sizeof(MARK));
	REQUIRE(whole != NULL);
	memcpy(whole, text, length);
	memcpy(whole + length, MARK, sizeof(MARK));
	message = whole;
	status = postgres_login_error(&session, stage);
	require_sound(status);
	REQUIRE(status.code != STATUS_OK && status.code != STATUS_INTERNAL);
	REQUIRE(strstr(status.detail, MARK) == NULL);
	/* Whoever has no SQLSTATE has judged no password: a retry must stay possible. */
	REQUIRE(status.code != STATUS_DENIED || strstr(status.detail, "(SQLSTATE ") != NULL);

	whole[length < 5 ? length : 5] = '\0';
	status = postgres_statement_error(&session, whole, "a test");
	require_sound(status);
	REQUIRE(status.code != STATUS_OK);
	return 0;
}
