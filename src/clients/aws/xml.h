/*
 * xml: the text of one element, for the few flat answers of AWS's query protocol.
 *
 * A scanner, not a parser: it finds the first element of a name and decodes what stands in it. An
 * STS answer is made by AWS, holds no attribute we need, no CDATA and no second meaning of a name.
 */
#ifndef CLIENTS_AWS_XML_H
#define CLIENTS_AWS_XML_H

#include "core/buffer.h"
#include "core/status.h"

/*
 * Appends the text of the first <tag>. NOT_FOUND: there is none. INVALID: it is not closed, holds
 * another element, or an entity that XML 1.0 does not know.
 */
struct status xml_text(const char *xml, const char *tag, struct buffer *ret);

#endif
