#include "steps/steps.h"

#include <string.h>

static const struct {
	const char *name;
	struct status (*run)(const struct rotation *);
} steps[STEP_COUNT] = {
	[STEP_CREATE] = {"createSecret", create_secret},
	[STEP_SET] = {"setSecret", set_secret},
	[STEP_TEST] = {"testSecret", test_secret},
	[STEP_FINISH] = {"finishSecret", finish_secret},
};

const char *step_name(enum step step)
{
	return steps[step].name;
}

bool step_from_name(const char *name, enum step *ret)
{
	for (enum step step = 0; step < STEP_COUNT; step++)
		if (strcmp(steps[step].name, name) == 0) {
			*ret = step;
			return true;
		}
	return false;
}

struct status step_run(enum step step, const struct rotation *rotation)
{
	TRY_WHILE(steps[step].run(rotation), "%s of '%s'", steps[step].name, rotation->secret_id);
	return OK;
}
