/*
 * xml: the answers of AWS's query protocol, read by expat.
 *
 * An answer is elements and text: attributes, comments and namespaces mean nothing to us. What no
 * answer of AWS has, a document type with its entities, is refused and never expanded. expat's
 * memory is ours (core/memory.h): an answer of STS holds keys. Source: XML 1.0.
 */
#ifndef CLIENTS_AWS_XML_H
#define CLIENTS_AWS_XML_H

#include "core/buffer.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Deeper and longer than any answer; text is that of one element. */
#define XML_DEPTH_MAX 32
#define XML_TEXT_MAX (64 * 1024)

/* An element that has just ended. */
struct xml_element {
	const char *path; /* from the root: "AssumeRoleResponse/AssumeRoleResult/Credentials" */
	const char *name; /* the end of the path */
	const char *text; /* "" where it holds other elements */
	bool has_elements;
};

/*
 * Calls `visit` for each element as it ends, those inside another before it; what it fails with ends
 * the reading. INVALID: not well-formed XML, a document type, nested too deeply, too long a text.
 */
struct status xml_read(const char *xml, size_t length,
		       struct status (*visit)(void *context, const struct xml_element *),
		       void *context);

/* Appends the text of the first <tag>. NOT_FOUND: there is none. INVALID: it holds another element,
 * or as xml_read(). */
struct status xml_text(const char *xml, const char *tag, struct buffer *ret);

#endif
