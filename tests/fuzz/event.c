/* The event a function is invoked with: anybody who may invoke it writes it. */
#include "fuzz.h"

#include "runtime/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(event_clear) struct event event = EVENT_INIT;
	AUTO(string_clear) char *payload = NULL;
	struct input input = INPUT(data, size);
	struct status status;
	size_t length;

	payload = take_rest(&input, &length);
	status = event_parse(payload, length, &event);
	require_sound(status);
	if (status.code != STATUS_OK) {
		REQUIRE(status.code == STATUS_INVALID);
		REQUIRE(event.secret_id == NULL);
		return 0;
	}
	if (event.kind == EVENT_TICK)
		return 0;
	REQUIRE(*event.secret_id != '\0' && strlen(event.secret_id) <= SECRET_ID_MAX);
	REQUIRE(is_utf8(event.secret_id, strlen(event.secret_id)));
	if (event.kind != EVENT_STEP)
		return 0;
	REQUIRE(event.step < STEP_COUNT);
	REQUIRE(strlen(event.token) >= 32 && strlen(event.token) <= VERSION_ID_MAX);
	return 0;
}
