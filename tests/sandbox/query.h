/*
 * query: the query protocol of STS and RDS: a form comes in, XML goes out.
 */
#ifndef SANDBOX_QUERY_H
#define SANDBOX_QUERY_H

#include "http.h"

#include <cjson/cJSON.h>

#define QUERY_XML "text/xml"

/* The form as a JSON object of strings; the caller deletes it. NULL: not a form. */
cJSON *query_parse_form(const char *body);

/* A field of the form, "" when it is not there. */
const char *query_field(const cJSON *form, const char *name);

/* A text as it stands in XML; the caller frees it. */
char *query_escape(const char *text);

/* An error in XML. The types of the JSON services are translated into their names here. */
struct reply query_error(const char *namespace, const char *type, const char *message);

#endif
