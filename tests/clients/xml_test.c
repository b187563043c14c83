#include "test.h"

#include "clients/aws/xml.h"

static void xml_entities_are_decoded(void **state)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(64);

	(void)state;
	assert_ok(xml_text("<a><bc>no</bc><b x=\"1\">&lt;&amp;&#233;&#x20ac;&#x1F600;&gt;</b></a>",
			   "b", &text));
	assert_string_equal(buffer_string(&text), "<&\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80>");
}

static void xml_odd_text_is_refused(void **state)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(64);

	(void)state;
	assert_failed(xml_text("<a>", "b", &text), STATUS_NOT_FOUND, "b");
	assert_failed(xml_text("<b", "b", &text), STATUS_NOT_FOUND, "b");
	assert_failed(xml_text("<b>x", "b", &text), STATUS_INVALID, "not closed");
	assert_failed(xml_text("<b><c/></b>", "b", &text), STATUS_INVALID, "not closed");
	assert_failed(xml_text("<b>&nbsp;</b>", "b", &text), STATUS_INVALID, "entity");
	assert_failed(xml_text("<b>&#0;</b>", "b", &text), STATUS_INVALID, "entity");
	assert_failed(xml_text("<b>&#x110000;</b>", "b", &text), STATUS_INVALID, "entity");
	assert_failed(xml_text("<b>&lt</b>", "b", &text), STATUS_INVALID, "entity");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml_entities_are_decoded),
		cmocka_unit_test(xml_odd_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
