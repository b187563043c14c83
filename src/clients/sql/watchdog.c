#include "clients/sql/watchdog.h"

#include "core/memory.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

/* Descriptors that are looked at: the usual limit of a process, and more than this one ever has. */
#define SOCKETS_MAX 1024

/* A library whose socket was shut may try the next address: it is shut again so soon. */
#define BITE_AGAIN_MS 50

struct watchdog {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum { RESTING, WATCHING, LEAVING } task;
	int socket; /* -1: any that was not open before */
	struct deadline deadline;
	bool bitten;
	struct pollfd before[SOCKETS_MAX]; /* POLLNVAL in revents: was not open */
};

/* One system call tells which descriptors are open; it takes no more of them than there may be. */
static void look_at_all(struct pollfd all[static SOCKETS_MAX])
{
	struct rlimit limit = {.rlim_cur = SOCKETS_MAX};
	int most;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_cur < SOCKETS_MAX ? (int)limit.rlim_cur : SOCKETS_MAX;
	for (int i = 0; i < SOCKETS_MAX; i++)
		all[i] = (struct pollfd){.fd = i, .revents = i < most ? 0 : POLLNVAL};
	(void)poll(all, (nfds_t)most, 0);
}

static bool is_open(const struct pollfd *descriptor)
{
	return (descriptor->revents & POLLNVAL) == 0;
}

static bool is_tcp(int descriptor)
{
	int type = 0, domain = 0;
	socklen_t type_size = sizeof(type), domain_size = sizeof(domain);

	return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 &&
	       getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) == 0 &&
	       type == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6);
}

static void bite(struct watchdog *watchdog)
{
	struct pollfd now[SOCKETS_MAX];

	watchdog->bitten = true;
	if (watchdog->socket >= 0) {
		(void)shutdown(watchdog->socket, SHUT_RDWR);
		return;
	}
	look_at_all(now);
	for (int i = 0; i < SOCKETS_MAX; i++)
		if (is_open(&now[i]) && !is_open(&watchdog->before[i]) && is_tcp(i))
			(void)shutdown(i, SHUT_RDWR);
}

/* With the lock held. */
static void wait_for(struct watchdog *watchdog, int64_t milliseconds)
{
	struct timespec until = clock_monotonic_in(milliseconds);

	pthread_cond_clockwait(&watchdog->changed, &watchdog->lock, CLOCK_MONOTONIC, &until);
}

static void *guard(void *argument)
{
	struct watchdog *watchdog = argument;

	pthread_mutex_lock(&watchdog->lock);
	while (watchdog->task != LEAVING) {
		int64_t left;

		if (watchdog->task == RESTING) {
			pthread_cond_wait(&watchdog->changed, &watchdog->lock);
			continue;
		}
		left = deadline_left(watchdog->deadline);
		if (left == 0)
			bite(watchdog);
		wait_for(watchdog, left > 0 ? left : BITE_AGAIN_MS);
	}
	pthread_mutex_unlock(&watchdog->lock);
	return NULL;
}

struct status watchdog_open(struct watchdog **ret)
{
	struct watchdog *watchdog = memory_alloc_zero(1, sizeof(*watchdog));

	if (watchdog == NULL)
		return OUT_OF_MEMORY;
	pthread_mutex_init(&watchdog->lock, NULL);
	pthread_cond_init(&watchdog->changed, NULL);
	if (pthread_create(&watchdog->thread, NULL, guard, watchdog) != 0) {
		memory_free(watchdog);
		return OUT_OF_MEMORY;
	}
	*ret = watchdog;
	return OK;
}

static void tell(struct watchdog *watchdog, int task)
{
	watchdog->task = task;
	pthread_cond_signal(&watchdog->changed);
	pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_watch(struct watchdog *watchdog, int socket, struct deadline deadline)
{
	pthread_mutex_lock(&watchdog->lock);
	watchdog->socket = socket;
	watchdog->deadline = deadline;
	watchdog->bitten = false;
	if (socket < 0)
		look_at_all(watchdog->before);
	tell(watchdog, WATCHING);
}

bool watchdog_rest(struct watchdog *watchdog)
{
	bool bitten;

	pthread_mutex_lock(&watchdog->lock);
	bitten = watchdog->bitten;
	tell(watchdog, RESTING);
	return bitten;
}

void watchdog_close(struct watchdog **watchdog)
{
	if (*watchdog == NULL)
		return;
	pthread_mutex_lock(&(*watchdog)->lock);
	tell(*watchdog, LEAVING);
	pthread_join((*watchdog)->thread, NULL);
	pthread_cond_destroy(&(*watchdog)->changed);
	pthread_mutex_destroy(&(*watchdog)->lock);
	memory_free(*watchdog);
	*watchdog = NULL;
}
