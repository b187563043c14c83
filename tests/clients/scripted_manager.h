/*
 * Secrets Manager as a script: a store on a server that gives one canned answer after the other.
 *
 * Each line names the operation that must have asked. Time passes on a clock of the test's own.
 */
#ifndef TESTS_CLIENTS_SCRIPTED_MANAGER_H
#define TESTS_CLIENTS_SCRIPTED_MANAGER_H

#include "clients/aws/secrets_manager.h"
#include "clients/loopback.h"
#include "core/json.h"
#include "core/memory.h"

#define TOKEN "0e3a8b1c-1111-4222-8333-444455556666"
#define OLD "0e3a8b1c-0000-4222-8333-444455556666"
#define ARN "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf"

/* One answer, and the operation that must have asked. */
struct line {
	const char *operation;
	int status; /* 0: no answer */
	const char *type;
	const char *body;
};

/* A `type` that is none: the body goes out as it is. Else an object gets the ARN every answer has. */
static const char bare[] = "";

static struct loopback server;
static struct aws *aws;
static struct secret_store *store;
static struct config config;
static struct secret rotation_token;
static const struct line *script;
static const char *extra_headers;
static bool off_script; /* a request came that the script does not have */
static char header_text[256];
static int64_t fake_now;

static inline int64_t read_fake(void)
{
	return fake_now;
}

static inline void sleep_fake(int64_t milliseconds)
{
	fake_now += milliseconds;
}

static const struct clock fake_clock = {.now = read_fake, .sleep = sleep_fake};

static inline void respond(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	const struct line *line = &script[at->count - 1];
	char target[64], wanted[64];

	asked_header(asked, "X-Amz-Target", target, sizeof(target));
	snprintf(wanted, sizeof(wanted), "secretsmanager.%s",
		 line->operation != NULL ? line->operation : "(the end of the script)");
	if (strcmp(target, wanted) != 0) {
		off_script = true;
		answer->status = 400;
		answer->headers = "x-amzn-ErrorType: NotInTheScript\r\n";
		return;
	}
	answer->status = line->status;
	snprintf(header_text, sizeof(header_text), "x-amzn-RequestId: id-%d\r\n%s", at->count,
		 extra_headers != NULL ? extra_headers : "");
	answer->headers = header_text;
	if (line->type != NULL && line->type != bare)
		snprintf(answer->body, sizeof(answer->body),
			 "{\"__type\":\"com.amazon#%s:http\",\"Message\":\"%s\"}", line->type,
			 line->body != NULL ? line->body : "");
	else if (line->type == NULL && line->body[0] == '{' &&
		 strstr(line->body, "\"ARN\"") == NULL)
		snprintf(answer->body, sizeof(answer->body), "{\"ARN\":\"" ARN "\"%s%s",
			 line->body[1] != '}' ? "," : "", line->body + 1);
	else
		snprintf(answer->body, sizeof(answer->body), "%s", line->body);
}

static inline void start(const struct line *lines)
{
	struct secrets_manager_options options = {.application_secret_id = "app",
						  .rotation_token = &rotation_token};

	script = lines;
	extra_headers = NULL;
	off_script = false;
	fake_now = 1000;
	loopback_start(&server, respond);
	config = (struct config){.region = "eu-west-1",
				 .endpoint_url = server.url,
				 .access_key_id = "AKIDEXAMPLE",
				 .secret_access_key = "secret-key-of-the-test"};
	options.deadline = deadline_in(&fake_clock, 60000);
	assert_ok(aws_open(&config, &aws));
	assert_ok(secrets_manager_open(aws, &options, &store));
}

#define SCRIPT(...) start((const struct line[]){__VA_ARGS__, {0}})

static inline int stop(void **state)
{
	(void)state;
	secret_store_close(&store);
	aws_close(&aws);
	loopback_stop(&server);
	secret_clear(&rotation_token);
	assert_false(off_script);
	return 0;
}

/* A member of the n-th request's body as text: a string as it is, anything else as JSON. */
static inline const char *sent(int n, const char *key)
{
	static char text[512];
	cJSON *body = cJSON_Parse(server.asked[n].body);
	const cJSON *member = cJSON_GetObjectItem(body, key);
	char *printed = cJSON_IsString(member) ? NULL : cJSON_PrintUnformatted(member);

	snprintf(text, sizeof(text), "%s",
		 cJSON_IsString(member) ? member->valuestring : (printed != NULL ? printed : ""));
	cJSON_free(printed);
	cJSON_Delete(body);
	return text;
}

static inline struct secret secret_of(const char *text)
{
	struct secret secret = SECRET_INIT;

	assert_ok(secret_make(text, strlen(text), &secret));
	return secret;
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

#endif
