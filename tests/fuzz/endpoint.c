/*
 * Which host is asked: from a secret's ARN, which comes with an event, and from URLs in settings.
 *
 * Input: which service and variants, the secret's id, AWS_REGION, the endpoint's URL, the container's
 * credential URL, a line each.
 */
#include "fuzz.h"

#include "clients/aws/endpoint.h"
#include "clients/aws/metadata.h"

#include <strings.h>

static const char host_characters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	"-._~:%[]";

static void require_endpoint(const struct endpoint *made, bool overridden)
{
	REQUIRE(made->path[0] == '/');
	REQUIRE(made->host[0] != '\0' && made->host[strspn(made->host, host_characters)] == '\0');
	REQUIRE(strlen(made->region) <= AWS_REGION_MAX);
	REQUIRE(strncasecmp(made->url, "https://", 8) == 0 ||
		(overridden && strncasecmp(made->url, "http://", 7) == 0));
	REQUIRE(strstr(made->url, made->host) != NULL);
	REQUIRE(strlen(made->url) >= strlen(made->path) &&
		strcmp(made->url + strlen(made->url) - strlen(made->path), made->path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(string_clear) char *id = NULL, *set_region = NULL, *url = NULL, *container = NULL;
	struct input input = INPUT(data, size);
	unsigned choice = take_choice(&input, 8);
	struct config config = {.use_fips = (choice & 1) != 0, .use_dualstack = (choice & 2) != 0};
	enum aws_service service = (choice & 4) != 0 ? AWS_STS : AWS_SECRETS_MANAGER;
	char region[AWS_REGION_MAX + 1] = "eu-west-1";
	struct endpoint made = {0};
	struct status status;

	id = take_line(&input);
	set_region = take_line(&input);
	url = take_line(&input);
	container = take_line(&input);
	config.region = *set_region != '\0' ? set_region : NULL;
	config.endpoint_url = *url != '\0' ? url : NULL;
	status = endpoint_region(&config, NULL, *id != '\0' ? id : NULL, region);
	require_sound(status);
	/* It becomes part of a host name that credentials are sent to. */
	REQUIRE(region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0');
	REQUIRE(status.code != STATUS_OK || *region != '\0');
	status = endpoint_resolve(&config, NULL, service, region, &made);
	require_sound(status);
	if (status.code == STATUS_OK)
		require_endpoint(&made, config.endpoint_url != NULL);
	require_sound(metadata_check_url(container));
	return 0;
}
