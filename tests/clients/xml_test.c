/* xml: what is told of each element, and what is refused. */
#include "test.h"

#include "clients/aws/xml.h"

#include <stdio.h>

static void xml_entities_are_decoded(void **state)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(64);

	(void)state;
	assert_ok(xml_text(
		"<?xml version=\"1.0\"?>\n<a xmlns=\"https://x/\"><bc>no</bc>"
		"<b x=\"1\">&lt;&amp;&#233;&#x20ac;&#x1F600;<![CDATA[&]]>&gt;</b><b>2</b></a>",
		"b", &text));
	assert_string_equal(buffer_string(&text), "<&\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80&>");
}

static void xml_odd_text_is_refused(void **state)
{
	static const struct {
		const char *xml, *why;
	} odd[] = {
		{"", "no XML"},
		{"<a>", "no XML"},
		{"<b", "no XML"},
		{"<b>x", "no XML"},
		{"<b>x</c>", "no XML"},
		{"<b>x</b><b>y</b>", "no XML"},
		{"<b><c/></b>", "holds others"},
		{"<b>&nbsp;</b>", "no XML"},
		{"<b>&#0;</b>", "no XML"},
		{"<b>&#x110000;</b>", "no XML"},
		{"<b>&lt</b>", "no XML"},
		{"<b>\xff</b>", "no XML"},
		{"<!DOCTYPE b><b>x</b>", "document type"},
		{"<!DOCTYPE b [<!ENTITY x \"y\">]><b>&x;</b>", "document type"},
		{"<!DOCTYPE b SYSTEM \"file:///etc/passwd\"><b/>", "document type"},
	};
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(64);

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_failed(xml_text(odd[i].xml, "b", &text), STATUS_INVALID, odd[i].why);
	assert_failed(xml_text("<a><c>b</c></a>", "b", &text), STATUS_NOT_FOUND, "element b");
	assert_int_equal(text.length, 0);
}

static struct status write_down(void *context, const struct xml_element *element)
{
	return buffer_printf(context, "%s(%s)=%s;", element->path, element->name, element->text);
}

static void xml_each_element_comes_with_its_path(void **state)
{
	static const char xml[] = "<a> <b>1</b>\n<c><b>2<!-- no -->3</b><d/></c>tail</a>";
	AUTO(buffer_clear) struct buffer told = BUFFER_INIT(256);

	(void)state;
	assert_ok(xml_read(xml, strlen(xml), write_down, &told));
	assert_string_equal(buffer_string(&told), "a/b(b)=1;a/c/b(b)=23;a/c/d(d)=;a/c(c)=;a(a)=;");
}

static struct status refuse_c(void *context, const struct xml_element *element)
{
	++*(int *)context;
	return strcmp(element->name, "c") == 0 ? failure(STATUS_CONFLICT, "enough") : OK;
}

static void xml_visitor_that_fails_is_not_called_again(void **state)
{
	static const char xml[] = "<a><b/><c/><d/><e>text</e></a>";
	int calls = 0;

	(void)state;
	assert_failed(xml_read(xml, strlen(xml), refuse_c, &calls), STATUS_CONFLICT, "enough");
	assert_int_equal(calls, 2);
}

static void append_times(struct buffer *ret, const char *text, int count)
{
	for (int i = 0; i < count; i++)
		assert_ok(buffer_append_string(ret, text));
}

static void xml_depth_and_text_have_a_limit(void **state)
{
	AUTO(buffer_clear) struct buffer xml = BUFFER_INIT(1 << 20);
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(1 << 20);

	(void)state;
	append_times(&xml, "<b>", XML_DEPTH_MAX);
	append_times(&xml, "</b>", XML_DEPTH_MAX);
	assert_ok(xml_text(buffer_string(&xml), "b", &text));
	buffer_reset(&xml);
	append_times(&xml, "<b>", XML_DEPTH_MAX + 1);
	append_times(&xml, "</b>", XML_DEPTH_MAX + 1);
	assert_failed(xml_text(buffer_string(&xml), "b", &text), STATUS_INVALID, "deep");

	buffer_reset(&xml);
	assert_ok(buffer_append_string(&xml, "<b>"));
	append_times(&xml, "0123456789abcdef", XML_TEXT_MAX / 16);
	assert_ok(buffer_append_string(&xml, "</b>"));
	assert_ok(xml_text(buffer_string(&xml), "b", &text));
	assert_int_equal(text.length, XML_TEXT_MAX);
	xml.length -= strlen("</b>");
	assert_ok(buffer_append_string(&xml, "x</b>"));
	assert_failed(xml_text(buffer_string(&xml), "b", &text), STATUS_INVALID, "allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml_entities_are_decoded),
		cmocka_unit_test(xml_odd_text_is_refused),
		cmocka_unit_test(xml_each_element_comes_with_its_path),
		cmocka_unit_test(xml_visitor_that_fails_is_not_called_again),
		cmocka_unit_test(xml_depth_and_text_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
