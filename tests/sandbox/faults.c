#include "faults.h"

#include "text.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
	[FAULT_ERROR] = "error",	   [FAULT_THROTTLE] = "throttle",
	[FAULT_DELAY] = "delay",	   [FAULT_DROP_BEFORE] = "drop-before",
	[FAULT_DROP_AFTER] = "drop-after", [FAULT_CUT] = "cut",
};

#define KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

const char *fault_kind_name(enum fault_kind kind)
{
	return kind_names[kind];
}

bool fault_prevents(enum fault_kind kind)
{
	return kind == FAULT_ERROR || kind == FAULT_THROTTLE || kind == FAULT_DROP_BEFORE;
}

static bool chance(double probability)
{
	unsigned char byte[4] = {0};
	uint32_t number;

	if (probability >= 1.0)
		return true;
	if (RAND_bytes(byte, sizeof(byte)) != 1)
		return false;
	memcpy(&number, byte, sizeof(number));
	return (double)number < probability * 4294967296.0;
}

static bool fits(const struct fault *fault, const char *action, const char *secret)
{
	if (strcmp(fault->action, "*") != 0 && strcmp(fault->action, action) != 0)
		return false;
	return fault->secret[0] == '\0' || strcmp(fault->secret, secret) == 0;
}

const struct fault *faults_take(struct faults *faults, const char *action, const char *secret)
{
	for (size_t i = 0; i < faults->count; i++) {
		struct fault *fault = &faults->list[i];

		if (!fits(fault, action, secret))
			continue;
		if (fault->times >= 0 && fault->hits >= fault->times)
			continue;
		if (fault->seen++ < fault->skip || !chance(fault->probability))
			continue;
		fault->hits++;
		return fault;
	}
	return NULL;
}

static double number_or(const cJSON *object, const char *key, double fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

static void read_text(const cJSON *object, const char *key, const char *fallback, char *out,
		      size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

	format_text(out, size, "%s", text != NULL ? text : fallback);
}

/* Every member is checked by type: a misspelt test must not pass because no fault ever struck. */
static const char *check_members(const cJSON *object)
{
	static const char *const texts[] = {"action", "secret", "kind", "type", "message"};
	static const char *const numbers[] = {"skip",	"times",    "probability",
					      "status", "delay_ms", "bytes"};
	const cJSON *member;

	cJSON_ArrayForEach(member, object)
	{
		bool known = false;

		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			known |= strcmp(texts[i], member->string) == 0 && cJSON_IsString(member);
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			known |= strcmp(numbers[i], member->string) == 0 && cJSON_IsNumber(member);
		if (!known)
			return "a fault has an unknown member, or one of the wrong type";
	}
	return NULL;
}

static const char *read_fault(const cJSON *object, struct fault *ret)
{
	char kind[32];
	size_t k = 0;
	const char *problem = check_members(object);

	if (problem != NULL)
		return problem;
	read_text(object, "kind", "", kind, sizeof(kind));
	while (k < KINDS && strcmp(kind_names[k], kind) != 0)
		k++;
	if (k == KINDS)
		return "kind must be error, throttle, delay, drop-before, drop-after or cut";
	ret->kind = (enum fault_kind)k;
	read_text(object, "action", "*", ret->action, sizeof(ret->action));
	read_text(object, "secret", "", ret->secret, sizeof(ret->secret));
	ret->skip = (int64_t)number_or(object, "skip", 0);
	ret->times = (int64_t)number_or(object, "times", 1);
	ret->probability = number_or(object, "probability", 1.0);
	read_text(object, "type", "InternalServiceError", ret->type, sizeof(ret->type));
	ret->status = (unsigned)number_or(object, "status", 0);
	read_text(object, "message", "An error occurred on the server side.", ret->message,
		  sizeof(ret->message));
	ret->delay_ms = (int64_t)number_or(object, "delay_ms", ret->kind == FAULT_DELAY ? 100 : 0);
	ret->bytes = (size_t)number_or(object, "bytes", 10);
	if (ret->delay_ms < 0 || ret->delay_ms > FAULT_DELAY_MAX_MS)
		return "delay_ms must be 0 to 60000";
	if (ret->status != 0 && (ret->status < 400 || ret->status > 599))
		return "status must be 400 to 599";
	return NULL;
}

const char *faults_replace(struct faults *faults, const cJSON *list)
{
	struct faults made = {0};
	const cJSON *object;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > FAULTS_MAX)
		return "expected a list of at most 64 faults";
	made.list = allocate(FAULTS_MAX * sizeof(*made.list));
	cJSON_ArrayForEach(object, list)
	{
		const char *problem = read_fault(object, &made.list[made.count++]);

		if (problem == NULL)
			continue;
		faults_clear(&made);
		return problem;
	}
	faults_clear(faults);
	*faults = made;
	return NULL;
}

cJSON *faults_show(const struct faults *faults)
{
	cJSON *list = must(cJSON_CreateArray());

	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->list[i];
		cJSON *shown = must(cJSON_CreateObject());

		cJSON_AddStringToObject(shown, "action", fault->action);
		if (fault->secret[0] != '\0')
			cJSON_AddStringToObject(shown, "secret", fault->secret);
		cJSON_AddStringToObject(shown, "kind", kind_names[fault->kind]);
		cJSON_AddNumberToObject(shown, "skip", (double)fault->skip);
		cJSON_AddNumberToObject(shown, "times", (double)fault->times);
		cJSON_AddNumberToObject(shown, "seen", (double)fault->seen);
		cJSON_AddNumberToObject(shown, "hits", (double)fault->hits);
		cJSON_AddItemToArray(list, shown);
	}
	return list;
}

void faults_clear(struct faults *faults)
{
	free(faults->list);
	*faults = (struct faults){0};
}
