#include "runtime/print.h"

#include "core/json.h"
#include "core/utf8.h"

#include <string.h>

static const struct {
	const char *word, *mark, *colour;
} severities[] = {
	[FINDING_GOOD] = {"good", "  ", "\033[32m"},
	[FINDING_WARNING] = {"warning", "! ", "\033[33m"},
	[FINDING_BAD] = {"bad", "x ", "\033[31m"},
};

/* Long names push their line out rather than being cut: an ARN cut short is no use. */
#define NAME_WIDTH 36

static size_t width_of(const struct inspection *result, size_t offset, size_t least, size_t most)
{
	size_t widest = least;

	for (size_t i = 0; i < result->count; i++) {
		const char *text = (const char *)&result->findings[i] + offset;
		size_t width = strlen(text);

		if (width > widest)
			widest = width;
	}
	return widest < most ? widest : most;
}

static struct status print_finding(const struct finding *finding, int name, int user, bool colour,
				   struct buffer *ret)
{
	const char *on = colour ? severities[finding->severity].colour : "";
	const char *off = colour ? "\033[0m" : "";
	bool short_detail = strlen(finding->detail) < 80;

	TRY(buffer_printf(ret, "%s%s%-11s  %-*s  %-*s  %-12s%s", on,
			  severities[finding->severity].mark, finding->kind, name, finding->name,
			  user, finding->user, finding->state, off));
	if (finding->detail[0] != '\0')
		TRY(buffer_printf(ret, short_detail ? "  %s" : "\n      %s", finding->detail));
	return buffer_append_string(ret, "\n");
}

struct status print_table(const struct inspection *result, bool colour, struct buffer *ret)
{
	int name = (int)width_of(result, offsetof(struct finding, name), 8, NAME_WIDTH);
	int user = (int)width_of(result, offsetof(struct finding, user), 4, 24);

	TRY(buffer_printf(ret, "  %-11s  %-*s  %-*s  %s\n", "WHAT", name, "WHICH", user, "USER",
			  "STATE"));
	for (size_t i = 0; i < result->count; i++) {
		struct finding finding = result->findings[i];

		/* Names are whatever a secret says; a terminal would obey it. */
		utf8_one_line(finding.name);
		utf8_one_line(finding.user);
		utf8_one_line(finding.detail);
		TRY(print_finding(&finding, name, user, colour, ret));
	}
	return OK;
}

static struct status print_member(const char *key, const char *text, bool first, struct buffer *ret)
{
	if (text[0] == '\0')
		return OK;
	TRY(buffer_printf(ret, "%s\"%s\":", first ? "" : ",", key));
	return json_quote(text, ret);
}

struct status print_json(const struct inspection *result, const char *secret_id, struct buffer *ret)
{
	TRY(buffer_append_string(ret, "{"));
	TRY(print_member("secret", secret_id, true, ret));
	TRY(print_member("result", severities[inspection_severity(result)].word, false, ret));
	TRY(buffer_append_string(ret, ",\"findings\":["));
	for (size_t i = 0; i < result->count; i++) {
		const struct finding *finding = &result->findings[i];

		TRY(buffer_append_string(ret, i == 0 ? "{" : ",{"));
		TRY(print_member("kind", finding->kind, true, ret));
		TRY(print_member("name", finding->name, false, ret));
		TRY(print_member("user", finding->user, false, ret));
		TRY(print_member("severity", severities[finding->severity].word, false, ret));
		TRY(print_member("state", finding->state, false, ret));
		TRY(print_member("detail", finding->detail, false, ret));
		TRY(buffer_append_string(ret, "}"));
	}
	return buffer_append_string(ret, "]}\n");
}
