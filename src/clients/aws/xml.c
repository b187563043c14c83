#include "clients/aws/xml.h"

#include "core/memory.h"

#include <expat.h>
#include <stdint.h>
#include <string.h>

/* Every element that is open: where its name begins in the path, and whether it holds another. */
struct reading {
	XML_Parser parser;
	struct status (*visit)(void *context, const struct xml_element *);
	void *context;
	struct status status; /* why it was stopped */
	struct buffer path, text;
	size_t starts[XML_DEPTH_MAX];
	bool has_elements[XML_DEPTH_MAX];
	int depth;
};

static void reading_clear(struct reading *reading)
{
	if (reading->parser != NULL)
		XML_ParserFree(reading->parser);
	buffer_clear(&reading->path);
	buffer_clear(&reading->text);
}

/* expat may still tell what it has at hand: the first failure counts. */
static void stop(struct reading *reading, struct status why)
{
	if (reading->status.code == STATUS_OK)
		reading->status = why;
	XML_StopParser(reading->parser, XML_FALSE);
}

static struct status open_element(struct reading *reading, const char *name)
{
	if (reading->depth == XML_DEPTH_MAX)
		return failure(STATUS_INVALID, "the XML is nested more than %d deep",
			       XML_DEPTH_MAX);
	if (reading->depth > 0) {
		reading->has_elements[reading->depth - 1] = true;
		TRY(buffer_append(&reading->path, "/", 1));
	}
	reading->starts[reading->depth] = reading->path.length;
	reading->has_elements[reading->depth++] = false;
	buffer_reset(&reading->text);
	return buffer_append_string(&reading->path, name);
}

static void XMLCALL begin(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = context;
	struct status opened = OK;

	(void)attributes;
	if (reading->status.code == STATUS_OK)
		opened = open_element(reading, name);
	if (opened.code != STATUS_OK)
		stop(reading, opened);
}

static void XMLCALL end(void *context, const XML_Char *name)
{
	struct reading *reading = context;
	struct xml_element element;
	struct status visited;
	size_t start;

	(void)name;
	if (reading->status.code != STATUS_OK)
		return;
	start = reading->starts[--reading->depth];
	element = (struct xml_element){
		.path = reading->path.data,
		.name = reading->path.data + start,
		.has_elements = reading->has_elements[reading->depth],
	};
	element.text = element.has_elements ? "" : buffer_string(&reading->text);
	visited = reading->visit(reading->context, &element);
	if (visited.code != STATUS_OK)
		stop(reading, visited);
	buffer_reset(&reading->text);
	reading->path.length = start > 0 ? start - 1 : 0;
	reading->path.data[reading->path.length] = '\0';
}

static void XMLCALL add_text(void *context, const XML_Char *text, int length)
{
	struct reading *reading = context;
	struct status added = OK;

	if (reading->status.code == STATUS_OK)
		added = buffer_append(&reading->text, text, (size_t)length);
	if (added.code != STATUS_OK)
		stop(reading, status_while(added, "reading an element of the XML"));
}

static void XMLCALL refuse_document_type(void *context, const XML_Char *name,
					 const XML_Char *system, const XML_Char *public,
					 int has_subset)
{
	(void)name, (void)system, (void)public, (void)has_subset;
	stop(context, failure(STATUS_INVALID, "the XML has a document type"));
}

struct status xml_read(const char *xml, size_t length,
		       struct status (*visit)(void *context, const struct xml_element *),
		       void *context)
{
	static const XML_Memory_Handling_Suite memory = {memory_alloc, memory_resize, memory_free};
	AUTO(reading_clear)
	struct reading reading = {.visit = visit,
				  .context = context,
				  .path = BUFFER_INIT(XML_TEXT_MAX),
				  .text = BUFFER_INIT(XML_TEXT_MAX)};
	unsigned long failures = memory_failures();
	enum XML_Status parsed;

	if (length > INT32_MAX)
		return failure(STATUS_INVALID, "the XML is too long");
	reading.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
	if (reading.parser == NULL)
		return OUT_OF_MEMORY;
	XML_SetUserData(reading.parser, &reading);
	XML_SetElementHandler(reading.parser, begin, end);
	XML_SetCharacterDataHandler(reading.parser, add_text);
	XML_SetStartDoctypeDeclHandler(reading.parser, refuse_document_type);
	parsed = XML_Parse(reading.parser, xml, (int)length, XML_TRUE);
	TRY(reading.status);
	if (parsed == XML_STATUS_OK)
		return OK;
	if (memory_failures() != failures)
		return OUT_OF_MEMORY;
	return failure(STATUS_INVALID, "it is no XML: %s in line %lu",
		       XML_ErrorString(XML_GetErrorCode(reading.parser)),
		       (unsigned long)XML_GetCurrentLineNumber(reading.parser));
}

/* The first element of a name. */
struct wanted {
	const char *tag;
	struct buffer text;
	bool found;
};

static struct status take_wanted(void *context, const struct xml_element *element)
{
	struct wanted *wanted = context;

	if (wanted->found || strcmp(element->name, wanted->tag) != 0)
		return OK;
	if (element->has_elements)
		return failure(STATUS_INVALID, "the XML element %s holds others", wanted->tag);
	wanted->found = true;
	return buffer_append_string(&wanted->text, element->text);
}

static void wanted_clear(struct wanted *wanted)
{
	buffer_clear(&wanted->text);
}

struct status xml_text(const char *xml, const char *tag, struct buffer *ret)
{
	AUTO(wanted_clear) struct wanted wanted = {.tag = tag, .text = BUFFER_INIT(XML_TEXT_MAX)};

	TRY(xml_read(xml, strlen(xml), take_wanted, &wanted));
	if (!wanted.found)
		return failure(STATUS_NOT_FOUND, "the XML has no element %s", tag);
	return buffer_append_string(ret, buffer_string(&wanted.text));
}
