/* What the two programs about http share: a server, a handle and a clock. */
#ifndef TESTS_CLIENTS_HTTP_FIXTURE_H
#define TESTS_CLIENTS_HTTP_FIXTURE_H

#include "clients/http/http.h"
#include "clients/loopback.h"
#include "core/memory.h"

static struct loopback server;
static struct http *http;

/* A clock on which a minute passes in no time: sleeping moves it. */
static int64_t fake_now;
static int64_t slept[32];
static int sleeps;

static inline int64_t read_fake(void)
{
	return fake_now;
}

static inline void sleep_fake(int64_t milliseconds)
{
	slept[sleeps++ % 32] = milliseconds;
	fake_now += milliseconds;
}

static const struct clock fake_clock = {.now = read_fake, .sleep = sleep_fake};

static inline void start(void (*respond)(struct loopback *, const struct asked *, struct answer *))
{
	loopback_start(&server, respond);
	assert_ok(http_open(&http));
	sleeps = 0;
	fake_now = 1000;
}

static inline int stop(void **state)
{
	(void)state;
	http_close(&http);
	loopback_stop(&server);
	return 0;
}

static inline struct http_request request_to(const char *url)
{
	return (struct http_request){.what = "the test server",
				     .method = "GET",
				     .url = url,
				     .bypass_proxy = true,
				     .deadline = deadline_in(&clock_system, 5000)};
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

#endif
