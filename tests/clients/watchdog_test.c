/* watchdog: whose wait it ends, and whose not. */
#include "test.h"

#include "clients/sql/watchdog.h"
#include "core/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection to ourselves over TCP: our end, and the other. */
struct connection {
	int listener, ours, theirs;
};

static struct connection connect_to_ourselves(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(name);
	struct connection made = {.listener = socket(AF_INET, SOCK_STREAM, 0)};

	assert_int_equal(bind(made.listener, (struct sockaddr *)&name, length), 0);
	assert_int_equal(listen(made.listener, 1), 0);
	assert_int_equal(getsockname(made.listener, (struct sockaddr *)&name, &length), 0);
	made.ours = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(made.ours, (struct sockaddr *)&name, length), 0);
	made.theirs = accept(made.listener, NULL, NULL);
	assert_true(made.theirs >= 0);
	return made;
}

static void disconnect(const struct connection *connection)
{
	close(connection->ours);
	close(connection->theirs);
	close(connection->listener);
}

/* Waits so long for the end of what comes. */
static bool is_shut(int descriptor, int milliseconds)
{
	struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
	char byte;

	return poll(&waiting, 1, milliseconds) == 1 && read(descriptor, &byte, 1) == 0;
}

static struct watchdog *started(void)
{
	struct watchdog *watchdog = NULL;

	assert_ok(watchdog_open(&watchdog));
	return watchdog;
}

static void watchdog_shuts_its_socket_at_the_deadline(void **state)
{
	AUTO(watchdog_close) struct watchdog *watchdog = started();
	struct connection one = connect_to_ourselves(), other = connect_to_ourselves();
	int64_t began = clock_system.now();

	(void)state;
	watchdog_watch(watchdog, one.ours, deadline_in(&clock_system, 150));
	assert_true(is_shut(one.ours, 5000));
	assert_true(clock_system.now() - began >= 149);
	assert_false(is_shut(other.ours, 0));
	assert_true(watchdog_rest(watchdog));
	disconnect(&one);
	disconnect(&other);
}

static void watchdog_shuts_what_was_opened_since_and_nothing_older(void **state)
{
	AUTO(watchdog_close) struct watchdog *watchdog = started();
	struct connection older = connect_to_ourselves(), newer;
	int pair[2], pipes[2];

	(void)state;
	watchdog_watch(watchdog, -1, deadline_in(&clock_system, 200));
	newer = connect_to_ourselves();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_true(is_shut(newer.ours, 5000));
	assert_false(is_shut(older.ours, 50));
	assert_false(is_shut(older.theirs, 0));
	/* Not TCP: nobody's connection to a database. */
	assert_false(is_shut(pair[0], 0));
	assert_false(is_shut(pipes[0], 0));
	assert_true(watchdog_rest(watchdog));
	disconnect(&older);
	disconnect(&newer);
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(pipes[i]);
	}
}

static void watchdog_sees_sockets_where_few_descriptors_are_allowed(void **state)
{
	AUTO(watchdog_close) struct watchdog *watchdog = started();
	struct rlimit usual, few;
	struct connection newer;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	few = usual;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	watchdog_watch(watchdog, -1, deadline_in(&clock_system, 100));
	newer = connect_to_ourselves();
	assert_true(is_shut(newer.ours, 5000));
	assert_true(watchdog_rest(watchdog));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	disconnect(&newer);
}

/* A library that goes on to its next address after the first was shut. */
static void watchdog_shuts_also_what_is_opened_after_the_deadline(void **state)
{
	AUTO(watchdog_close) struct watchdog *watchdog = started();
	struct connection late;

	(void)state;
	watchdog_watch(watchdog, -1, deadline_in(&clock_system, 0));
	clock_system.sleep(120);
	late = connect_to_ourselves();
	assert_true(is_shut(late.ours, 5000));
	assert_true(watchdog_rest(watchdog));
	disconnect(&late);
}

static void watchdog_at_rest_shuts_nothing(void **state)
{
	AUTO(watchdog_close) struct watchdog *watchdog = started();
	struct connection one = connect_to_ourselves();

	(void)state;
	watchdog_watch(watchdog, one.ours, deadline_in(&clock_system, 100));
	assert_false(watchdog_rest(watchdog));
	assert_false(is_shut(one.ours, 300));
	watchdog_watch(watchdog, one.ours, deadline_in(&clock_system, 60000));
	assert_false(is_shut(one.ours, 100));
	assert_false(watchdog_rest(watchdog));
	/* It watches again after it has bitten, and had to bite anew. */
	watchdog_watch(watchdog, one.ours, deadline_in(&clock_system, 0));
	assert_true(is_shut(one.ours, 5000));
	assert_true(watchdog_rest(watchdog));
	watchdog_watch(watchdog, one.ours, deadline_in(&clock_system, 60000));
	assert_false(watchdog_rest(watchdog));
	disconnect(&one);
}

static void watchdog_that_watches_can_be_closed(void **state)
{
	struct watchdog *watchdog = started(), *none = NULL;
	int64_t began = clock_system.now();

	(void)state;
	watchdog_watch(watchdog, -1, deadline_in(&clock_system, 60000));
	watchdog_close(&watchdog);
	assert_null(watchdog);
	watchdog_close(&none);
	assert_true(clock_system.now() - began < 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watchdog_shuts_its_socket_at_the_deadline),
		cmocka_unit_test(watchdog_shuts_what_was_opened_since_and_nothing_older),
		cmocka_unit_test(watchdog_sees_sockets_where_few_descriptors_are_allowed),
		cmocka_unit_test(watchdog_shuts_also_what_is_opened_after_the_deadline),
		cmocka_unit_test(watchdog_at_rest_shuts_nothing),
		cmocka_unit_test(watchdog_that_watches_can_be_closed),
	};

	memory_init();
	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
