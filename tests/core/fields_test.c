/* Values of a secret's keys: what is read, what is refused, which of two names counts. */
#include "test.h"

#include "core/fields.h"
#include "core/memory.h"

#include <stdio.h>

/* A credential with these fields besides its user; for one test at a time. */
static struct credential secret;

static const struct credential *with(const char *fields)
{
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	char text[256];

	snprintf(text, sizeof(text), "{\"username\":\"u\",\"password\":\"p\"%s%s}",
		 fields[0] != '\0' ? "," : "", fields);
	credential_clear(&secret);
	assert_ok(secret_make(text, strlen(text), &value));
	assert_ok(credential_parse(&value, "the secret", &secret));
	return &secret;
}

static int forget(void **state)
{
	(void)state;
	credential_clear(&secret);
	return 0;
}

static void text_is_read_by_either_name(void **state)
{
	const char *text = NULL;

	(void)state;
	assert_ok(field_text(with("\"a\":\"1\",\"b\":\"2\""), "a", "b", "f", &text));
	assert_string_equal(text, "1");
	assert_ok(field_text(with("\"b\":\"2\""), "a", "b", "f", &text));
	assert_string_equal(text, "2");
	assert_ok(field_text(with("\"a\":null"), "a", NULL, "f", &text));
	assert_string_equal(text, "f");
	assert_ok(field_text(with("\"a\":null,\"b\":\"2\""), "a", "b", "f", &text));
	assert_string_equal(text, "2");
	assert_ok(field_text(with("\"a\":null,\"b\":null"), "a", "b", "f", &text));
	assert_string_equal(text, "f");
	assert_ok(field_text(with(""), "a", NULL, NULL, &text));
	assert_null(text);
	assert_failed(field_text(with("\"a\":\"\""), "a", "b", "f", &text), STATUS_INVALID,
		      "\"a\" is not a text");
	assert_failed(field_text(with("\"b\":[]"), "a", "b", "f", &text), STATUS_INVALID,
		      "\"b\" is not a text");
}

static void port_is_a_number_or_its_digits(void **state)
{
	static const char *const refused[] = {"\"port\":\"\"",	  "\"port\":\"x\"",
					      "\"port\":\"5 \"",  "\"port\":[]",
					      "\"port\":65535.5", "\"port\":\"65536\"",
					      "\"port\":\"0\"",	  "\"port\":1e99"};
	uint16_t port = 7;

	(void)state;
	assert_ok(field_port(with("\"port\":1"), "port", NULL, 5, &port));
	assert_int_equal(port, 1);
	assert_ok(field_port(with("\"port\":\"65535\""), "port", NULL, 5, &port));
	assert_int_equal(port, 65535);
	assert_ok(field_port(with(""), "port", NULL, 5, &port));
	assert_int_equal(port, 5);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_failed(field_port(with(refused[i]), "port", NULL, 5, &port), STATUS_INVALID,
			      "\"port\" is not a port");
	assert_failed(field_port(with(""), "port", "other", 0, &port), STATUS_INVALID,
		      "\"port\" is not a port");
	assert_int_equal(port, 5); /* untouched */
}

static void ssl_is_true_unless_its_owner_wrote_false(void **state)
{
	static const struct {
		const char *fields;
		bool tls;
	} written[] = {
		{"", true},
		{"\"ssl\":null", true},
		{"\"ssl\":true", true},
		{"\"ssl\":\"TRUE\"", true},
		{"\"ssl\":false", false},
		{"\"ssl\":\"False\"", false},
	};
	static const char *const refused[] = {"\"ssl\":0", "\"ssl\":\"no\"", "\"ssl\":{}",
					      "\"ssl\":\"\""};
	bool tls;

	(void)state;
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		assert_ok(field_ssl(with(written[i].fields), &tls));
		assert_int_equal(tls, written[i].tls);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_failed(field_ssl(with(refused[i]), &tls), STATUS_INVALID, "\"ssl\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(text_is_read_by_either_name, forget),
		cmocka_unit_test_teardown(port_is_a_number_or_its_digits, forget),
		cmocka_unit_test_teardown(ssl_is_true_unless_its_owner_wrote_false, forget),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
