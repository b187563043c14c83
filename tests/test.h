/* What every cmocka program here includes, and the two assertions on a status. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include "core/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The failure's own sentence is the best message. */
#define assert_ok(call)                                                                      \
	do {                                                                                 \
		struct status assert_status_ = (call);                                       \
		if (assert_status_.code != STATUS_OK)                                        \
			fail_msg("%s: %s: %s", #call, status_code_name(assert_status_.code), \
				 assert_status_.detail);                                     \
	} while (0)

/* Failed with this code, and said this. */
#define assert_failed(call, wanted, part)                                                       \
	do {                                                                                    \
		struct status assert_status_ = (call);                                          \
		if (assert_status_.code != (wanted))                                            \
			fail_msg("%s: wanted %s, got %s: %s", #call, status_code_name(wanted),  \
				 status_code_name(assert_status_.code), assert_status_.detail); \
		if (strstr(assert_status_.detail, (part)) == NULL)                              \
			fail_msg("%s: no '%s' in: %s", #call, (part), assert_status_.detail);   \
	} while (0)

/* Leaves the test out and says why: a line "skipped: …", which ci/test.sh repeats. */
#define skip_because(format, ...)                                                  \
	do {                                                                       \
		print_message("skipped: " format "\n" __VA_OPT__(, ) __VA_ARGS__); \
		skip();                                                            \
	} while (0)

#endif
