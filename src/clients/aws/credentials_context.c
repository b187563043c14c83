#include "clients/aws/credentials_context.h"

#include <time.h>

struct status credentials_read_date(const char *text, int64_t *ret)
{
	struct tm utc = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

	if (rest == NULL || (*rest != 'Z' && *rest != '.'))
		return failure(STATUS_INVALID, "the date of expiry is not of the form "
					       "2026-11-21T22:06:19Z");
	*ret = timegm(&utc);
	return OK;
}
