/*
 * getaddrinfo() cannot be told a deadline, so a thread of its own waits for it. Who gives up waiting
 * leaves the question to the thread, which frees it when the answer comes, if ever.
 */
#include "clients/sql/addresses.h"

#include "core/memory.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct question {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct deadline deadline;
	char *host;
	bool answered, given_up;
	int error; /* getaddrinfo()'s */
	struct addrinfo *list;
};

static void question_free(struct question *question)
{
	if (question->list != NULL)
		freeaddrinfo(question->list);
	pthread_cond_destroy(&question->changed);
	pthread_mutex_destroy(&question->lock);
	memory_free(question->host);
	memory_free(question);
}

/* One try for each name server of this thread's, and half of the time: the second must be heard too. */
static void shorten_tries(struct deadline deadline)
{
	int64_t seconds;

	if (res_init() != 0)
		return;
	seconds = deadline_left(deadline) / 2000 / (_res.nscount > 0 ? _res.nscount : 1);
	_res.retry = 1;
	if (seconds < _res.retrans)
		_res.retrans = seconds > 0 ? (int)seconds : 1;
}

static void *ask(void *argument)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct question *question = argument;
	struct addrinfo *list = NULL;
	bool given_up;
	int error;

	shorten_tries(question->deadline);
	error = getaddrinfo(question->host, NULL, &hints, &list);
	pthread_mutex_lock(&question->lock);
	question->error = error;
	question->list = list;
	question->answered = true;
	given_up = question->given_up;
	pthread_cond_signal(&question->changed);
	pthread_mutex_unlock(&question->lock);
	if (given_up)
		question_free(question);
	return NULL;
}

/* Was it answered before the deadline? If not, it is the thread's now. */
static bool wait_for_answer(struct question *question)
{
	bool answered;
	int64_t left;

	pthread_mutex_lock(&question->lock);
	while (!question->answered && (left = deadline_left(question->deadline)) > 0) {
		struct timespec until = clock_monotonic_in(left);

		pthread_cond_clockwait(&question->changed, &question->lock, CLOCK_MONOTONIC,
				       &until);
	}
	answered = question->answered;
	question->given_up = !answered;
	pthread_mutex_unlock(&question->lock);
	return answered;
}

static struct status take_answer(const struct question *question, struct addresses *ret)
{
	struct addresses found = {0};

	if (question->error != 0)
		return failure(
			STATUS_UNAVAILABLE,
			"the host name '%.253s' cannot be resolved (%s): correct it, or mend DNS",
			question->host, gai_strerror(question->error));
	for (const struct addrinfo *at = question->list; at != NULL && found.count < ADDRESSES_MAX;
	     at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, found.numeric[found.count],
				sizeof(found.numeric[0]), NULL, 0, NI_NUMERICHOST) == 0)
			found.count++;
	if (found.count == 0)
		return failure(STATUS_UNAVAILABLE, "the host name '%.253s' has no usable address",
			       question->host);
	*ret = found;
	return OK;
}

static struct status late(const char *host)
{
	return failure(STATUS_UNAVAILABLE,
		       "the host name '%.253s' cannot be resolved in time: its name server answers "
		       "late or not at all",
		       host);
}

struct status addresses_find(const char *host, struct deadline deadline, struct addresses *ret)
{
	struct question *question = memory_alloc_zero(1, sizeof(*question));
	struct status taken;
	pthread_t thread;

	if (question == NULL)
		return OUT_OF_MEMORY;
	question->deadline = deadline;
	pthread_mutex_init(&question->lock, NULL);
	pthread_cond_init(&question->changed, NULL);
	question->host = memory_copy_string(host);
	if (question->host == NULL || pthread_create(&thread, NULL, ask, question) != 0) {
		question_free(question);
		return OUT_OF_MEMORY;
	}
	if (!wait_for_answer(question)) {
		pthread_detach(thread);
		return late(host);
	}
	pthread_join(thread, NULL);
	/* The process may have been stopped meanwhile: then it does not begin to log in any more. */
	taken = deadline_left(deadline) > 0 ? take_answer(question, ret) : late(host);
	question_free(question);
	return taken;
}
