#include "steps/inspect.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

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

void inspection_age(int64_t since, char ret[AGE_SIZE])
{
	int64_t minutes = ((int64_t)time(NULL) - since) / 60;

	if (since == 0)
		snprintf(ret, AGE_SIZE, "of unknown age");
	else if (minutes < 60)
		snprintf(ret, AGE_SIZE, "%lld min old", (long long)(minutes > 0 ? minutes : 0));
	else if (minutes < 48 * 60)
		snprintf(ret, AGE_SIZE, "%lld h %lld min old", (long long)(minutes / 60),
			 (long long)(minutes % 60));
	else
		snprintf(ret, AGE_SIZE, "%lld days old", (long long)(minutes / 60 / 24));
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
