#include "test.h"

#include "clients/random.h"

static void random_two_fills_differ(void **state)
{
	unsigned char a[32] = {0}, b[32] = {0};

	(void)state;
	assert_ok(random_openssl.fill(a, sizeof(a)));
	assert_ok(random_openssl.fill(b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void random_uuid_has_version_and_variant(void **state)
{
	char one[UUID_SIZE], two[UUID_SIZE];

	(void)state;
	for (int i = 0; i < 64; i++) {
		assert_ok(random_uuid(one));
		assert_int_equal(strlen(one), 36);
		assert_int_equal(strspn(one, "0123456789abcdef-"), 36);
		assert_true(one[8] == '-' && one[13] == '-' && one[18] == '-' && one[23] == '-');
		assert_int_equal(one[14], '4');
		assert_non_null(strchr("89ab", one[19]));
	}
	assert_ok(random_uuid(two));
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_two_fills_differ),
		cmocka_unit_test(random_uuid_has_version_and_variant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
