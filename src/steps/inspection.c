#include "steps/inspect.h"

#include <stdarg.h>
#include <stdio.h>

void inspection_add(struct inspection *result, const char *kind, const char *name, const char *user,
		    enum severity severity, const char *state, const char *detail, ...)
{
	struct finding *finding;
	va_list arguments;

	if (result->count == FINDINGS_MAX) {
		result->count--;
		inspection_add(result, "secret", "", NULL, FINDING_BAD, "wrong",
			       "more was found than can be told: what is not shown may be bad");
		return;
	}
	finding = &result->findings[result->count++];
	*finding = (struct finding){.kind = kind, .severity = severity, .state = state};
	snprintf(finding->name, sizeof(finding->name), "%s", name);
	snprintf(finding->user, sizeof(finding->user), "%s", user != NULL ? user : "");
	va_start(arguments, detail);
	vsnprintf(finding->detail, sizeof(finding->detail), detail, arguments);
	va_end(arguments);
}

enum severity inspection_severity(const struct inspection *result)
{
	enum severity worst = FINDING_GOOD;

	for (size_t i = 0; i < result->count; i++)
		if (result->findings[i].severity > worst)
			worst = result->findings[i].severity;
	return worst;
}

const char *inspection_state(struct status status)
{
	switch (status.code) {
	case STATUS_OK:
		return "works";
	case STATUS_DENIED:
		return "refused";
	case STATUS_NOT_FOUND:
		return "missing";
	case STATUS_UNAVAILABLE:
		return "unreachable";
	case STATUS_INVALID:
	case STATUS_CONFLICT:
	case STATUS_INTERNAL:
		break;
	}
	return "wrong";
}
