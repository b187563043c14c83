/* addresses: where a name leads, and who waits how long for the answer. */
#include "test.h"

#include "clients/sql/addresses.h"

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* What the resolver does before it answers: takes so long, and lets so much of the clock pass. */
static int silence_ms;
static int64_t passing_ms, passed;

/* Names that only we know: "all.example" leads to ADDRESSES_MAX + 1 addresses. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
		    struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo **end = ret;

	clock_system.sleep(silence_ms);
	passed += passing_ms;
	if (strcmp(host, "all.example") != 0)
		return real(host, service, hints, ret);
	for (int i = 0; i < ADDRESSES_MAX + 1; i++) {
		char numeric[] = "192.0.2.1";

		numeric[8] = (char)('1' + i);
		assert_int_equal(real(numeric, service, hints, end), 0);
		end = &(*end)->ai_next;
	}
	return 0;
}

static int64_t moved_now(void)
{
	return clock_system.now() + passed;
}

static struct deadline moved_deadline(int64_t milliseconds)
{
	static struct clock moved = {.now = moved_now};

	moved.sleep = clock_system.sleep;
	silence_ms = 0;
	passing_ms = passed = 0;
	return deadline_in(&moved, milliseconds);
}

static void numeric_address_is_its_own(void **state)
{
	static const char *const numeric[] = {"192.0.2.7", "2001:db8::1"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct addresses found = {0};

		assert_ok(addresses_find(numeric[i], moved_deadline(10000), &found));
		assert_int_equal(found.count, 1);
		assert_string_equal(found.numeric[0], numeric[i]);
	}
}

static void name_of_many_leads_to_the_first_in_their_order(void **state)
{
	struct addresses found = {0};

	(void)state;
	assert_ok(addresses_find("all.example", moved_deadline(10000), &found));
	assert_int_equal(found.count, ADDRESSES_MAX);
	assert_string_equal(found.numeric[0], "192.0.2.1");
	assert_string_equal(found.numeric[ADDRESSES_MAX - 1], "192.0.2.4");
}

static void name_that_is_none_is_unavailable_and_named(void **state)
{
	struct addresses found = {.count = 77};

	(void)state;
	assert_failed(addresses_find("no such name", moved_deadline(10000), &found),
		      STATUS_UNAVAILABLE, "the host name 'no such name' cannot be resolved (");
	assert_int_equal(found.count, 77);
}

/* The thread that was given up on frees what it was asked: a sanitizer's word. */
static void silence_is_waited_for_until_the_deadline(void **state)
{
	struct addresses found = {.count = 77};
	struct deadline deadline = moved_deadline(100);
	int64_t begun = clock_system.now();

	(void)state;
	silence_ms = 1000;
	assert_failed(addresses_find("192.0.2.7", deadline, &found), STATUS_UNAVAILABLE,
		      "the host name '192.0.2.7' cannot be resolved in time");
	assert_in_range(clock_system.now() - begun, 100, 900);
	clock_system.sleep(1500);
	assert_int_equal(found.count, 77);
}

/* As where the process is stopped just then: nobody logs in when the time is over. */
static void answer_after_the_deadline_is_not_used(void **state)
{
	struct addresses found = {.count = 77};
	struct deadline deadline = moved_deadline(60000);

	(void)state;
	passing_ms = 60000;
	assert_failed(addresses_find("192.0.2.7", deadline, &found), STATUS_UNAVAILABLE,
		      "the host name '192.0.2.7' cannot be resolved in time");
	assert_int_equal(found.count, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numeric_address_is_its_own),
		cmocka_unit_test(name_of_many_leads_to_the_first_in_their_order),
		cmocka_unit_test(name_that_is_none_is_unavailable_and_named),
		cmocka_unit_test(silence_is_waited_for_until_the_deadline),
		cmocka_unit_test(answer_after_the_deadline_is_not_used),
	};

	return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
