/* secret, buffer and memory: what held a secret is wiped, and everything has an end. */
#include "test.h"

#include "core/buffer.h"
#include "core/memory.h"
#include "core/secret.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static void secret_holds_bytes_until_cleared(void **state)
{
	struct secret secret = SECRET_INIT;

	(void)state;
	assert_true(secret_empty(&secret));
	assert_string_equal(secret_reveal(&secret), "");
	assert_ok(secret_make("p\0w", 3, &secret));
	assert_int_equal(secret_length(&secret), 3);
	assert_memory_equal(secret_reveal(&secret), "p\0w", 4);
	assert_ok(secret_make(NULL, 0, &secret)); /* an element of XML with nothing in it */
	assert_true(secret_empty(&secret));
	secret_clear(&secret);
	assert_true(secret_empty(&secret));
}

static void secret_too_long_is_refused_and_keeps_the_old_one(void **state)
{
	AUTO(secret_clear) struct secret secret = SECRET_INIT;
	char *big = calloc(1, SECRET_MAX + 1);

	(void)state;
	assert_ok(secret_make("old", 3, &secret));
	assert_failed(secret_make(big, SECRET_MAX + 1, &secret), STATUS_INVALID, "65536");
	assert_string_equal(secret_reveal(&secret), "old");
	assert_ok(secret_make(big, SECRET_MAX, &secret));
	free(big);
}

static void secret_equal_compares_length_and_bytes(void **state)
{
	AUTO(secret_clear) struct secret a = SECRET_INIT, b = SECRET_INIT;

	(void)state;
	assert_true(secret_equal(&a, &b));
	assert_ok(secret_make("abc", 3, &a));
	assert_false(secret_equal(&a, &b));
	assert_ok(secret_make("abd", 3, &b));
	assert_false(secret_equal(&a, &b));
	assert_ok(secret_make("ab", 2, &b));
	assert_false(secret_equal(&a, &b));
	assert_ok(secret_copy(&a, &b));
	assert_true(secret_equal(&a, &b));
}

void __real_free(void *block);
void __wrap_free(void *block);

static const char marker[] = "marker-that-must-not-survive";
static int freed_blocks, freed_markers;

/* Linked with --wrap=free: every block that our code gives back to libc is looked at here. */
void __wrap_free(void *block)
{
	size_t size = block != NULL ? malloc_usable_size(block) : 0;

	freed_blocks++;
	freed_markers += size > 0 && memmem(block, size, marker, sizeof(marker) - 1) != NULL;
	__real_free(block);
}

static void memory_freed_holds_nothing(void **state)
{
	/* volatile: clang would drop the copy that is only freed */
	char *volatile plain = strdup(marker);
	AUTO(buffer_clear) struct buffer buffer = BUFFER_INIT(100000);
	AUTO(secret_clear) struct secret secret = SECRET_INIT;

	(void)state;
	free(plain);
	assert_int_equal(freed_markers, 1); /* the look itself works */
	freed_markers = freed_blocks = 0;
	assert_ok(secret_make(marker, sizeof(marker), &secret));
	assert_ok(secret_make("other", 5, &secret));
	for (int i = 0; i < 1000; i++)
		assert_ok(buffer_append_string(&buffer, marker));
	buffer_clear(&buffer);
	assert_in_range(freed_blocks, 5, 50);
	assert_int_equal(freed_markers, 0);
}

static void memory_resize_keeps_the_content(void **state)
{
	char *block = memory_copy_string("hello");

	(void)state;
	block = memory_resize(block, 5000);
	assert_string_equal(block, "hello");
	block = memory_resize(block, 6);
	assert_string_equal(block, "hello");
	assert_null(memory_resize(block, 0));
}

static void buffer_grows_to_its_limit_and_no_further(void **state)
{
	AUTO(buffer_clear) struct buffer buffer = BUFFER_INIT(1000);
	char text[600];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_string_equal(buffer_string(&buffer), "");
	assert_ok(buffer_append(&buffer, text, 600));
	assert_failed(buffer_append(&buffer, text, 401), STATUS_INVALID, "1000");
	assert_int_equal(buffer.length, 600);
	assert_ok(buffer_append(&buffer, text, 400));
	assert_int_equal(buffer.data[1000], '\0');
	buffer_reset(&buffer);
	assert_int_equal(buffer.length, 0);
	assert_ok(buffer_printf(&buffer, "%d-%s", 42, "z"));
	assert_string_equal(buffer_string(&buffer), "42-z");
	assert_failed(buffer_printf(&buffer, "%997d", 1), STATUS_INVALID, "1000");
	assert_string_equal(buffer_string(&buffer), "42-z");
}

static void buffer_reset_wipes(void **state)
{
	AUTO(buffer_clear) struct buffer buffer = BUFFER_INIT(1000);

	(void)state;
	assert_ok(buffer_append_string(&buffer, "secret"));
	buffer_reset(&buffer);
	assert_memory_equal(buffer.data, "\0\0\0\0\0\0\0", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_holds_bytes_until_cleared),
		cmocka_unit_test(secret_too_long_is_refused_and_keeps_the_old_one),
		cmocka_unit_test(secret_equal_compares_length_and_bytes),
		cmocka_unit_test(memory_freed_holds_nothing),
		cmocka_unit_test(memory_resize_keeps_the_content),
		cmocka_unit_test(buffer_grows_to_its_limit_and_no_further),
		cmocka_unit_test(buffer_reset_wipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
