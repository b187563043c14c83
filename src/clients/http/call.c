/*
 * Trying again: how long to wait, and when not to. What an answer means is the policy's business.
 */
#include "clients/http/http.h"

#include <stdlib.h>

#define WAIT_FIRST_MS 50
#define WAIT_FIRST_THROTTLED_MS 500
#define WAIT_MOST_MS 5000

/* Half of it certain, half of it random, so that callers who failed together part. */
static int64_t wait_after(int attempt, enum http_verdict verdict)
{
	int64_t wait = verdict == HTTP_SLOWER ? WAIT_FIRST_THROTTLED_MS : WAIT_FIRST_MS;

	if (verdict == HTTP_AT_ONCE)
		return 0;
	for (int i = 0; i < attempt && wait < WAIT_MOST_MS; i++)
		wait *= 2;
	if (wait > WAIT_MOST_MS)
		wait = WAIT_MOST_MS;
	return wait / 2 + (int64_t)arc4random_uniform((uint32_t)(wait / 2) + 1);
}

/* Retry-After in milliseconds, 0 when there is none. A date there is rare and not worth a parser.
 */
static int64_t asked_wait(const struct http_response *response)
{
	const char *text = http_response_header(response, "retry-after");
	char *end;
	long seconds;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	seconds = strtol(text, &end, 10);
	if (*end != '\0' || seconds > 3600)
		return 0;
	return seconds * 1000;
}

/* One try. `*verdict` says whether another may follow, the result what it is worth if none does. */
static struct status try_once(struct http *http, struct http_request *request,
			      const struct http_policy *policy, int attempt,
			      struct http_response *response, enum http_verdict *verdict)
{
	struct status why = OK;

	*verdict = HTTP_DONE;
	if (policy->prepare != NULL)
		TRY(policy->prepare(policy->context, attempt, request));
	why = http_exchange(http, request, response);
	if (why.code == STATUS_OK)
		*verdict = policy->judge(policy->context, response, &why);
	else if (why.code == STATUS_UNAVAILABLE)
		*verdict = HTTP_AGAIN;
	return why;
}

static struct status give_up(struct status why, int sent)
{
	return sent == 1 ? why : status_while(why, "after %d tries", sent);
}

struct status http_call(struct http *http, struct http_request *request,
			const struct http_policy *policy, struct http_response *ret)
{
	enum http_verdict verdict;
	int failed = 0;

	for (int attempt = 0;; attempt++) {
		struct status why = try_once(http, request, policy, attempt, ret, &verdict);
		int64_t wait, asked;
		bool done = false;

		if (verdict == HTTP_DONE)
			return why;
		/* To be asked for patience is no failure: in a storm every caller gets through. */
		if (verdict != HTTP_SLOWER)
			failed++;
		wait = wait_after(attempt, verdict);
		asked = asked_wait(ret);
		if (asked > wait)
			wait = asked;
		if (failed == policy->tries || wait >= deadline_left(request->deadline))
			return give_up(why, attempt + 1);
		deadline_sleep(request->deadline, wait);
		if (ret->progress == HTTP_LOST && policy->find_done != NULL) {
			TRY(policy->find_done(policy->context, &done));
			if (done) {
				http_response_clear(ret);
				return OK;
			}
		}
	}
}
