#include "clients/aws/endpoint.h"

#include "clients/aws/profile.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* By the region's beginning, longest first; the last row is everything else. */
struct partition {
	const char *prefix, *suffix, *dualstack_suffix;
	bool same_host;	     /* Secrets Manager: the plain host is dual-stack */
	bool same_host_fips; /* the same of the FIPS host */
	bool plain_is_fips;  /* STS, RDS: the plain host is the FIPS host */
};

static const struct partition partitions[] = {
	{"us-gov-", "amazonaws.com", "api.aws", true, true, true},
	{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", false, false, false},
	{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", false, false, false},
	{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", false, false, false},
	{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", false, false, false},
	{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", false, false, false},
	{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", true, false, false},
	{"", "amazonaws.com", "api.aws", true, true, false},
};

/* `setting` is the override of this service alone, and `url` where struct config keeps it. */
static const struct {
	const char *signing_name, *title, *setting;
	size_t url;
} services[AWS_SERVICE_COUNT] = {
	[AWS_SECRETS_MANAGER] = {"secretsmanager", "Secrets Manager",
				 "AWS_ENDPOINT_URL_SECRETS_MANAGER",
				 offsetof(struct config, endpoint_secrets_manager)},
	[AWS_STS] = {"sts", "STS", "AWS_ENDPOINT_URL_STS", offsetof(struct config, endpoint_sts)},
	[AWS_RDS] = {"rds", "RDS", "AWS_ENDPOINT_URL_RDS", offsetof(struct config, endpoint_rds)},
};

static const struct partition *partition_of(const char *region)
{
	const struct partition *partition = partitions;

	while (strncmp(region, partition->prefix, strlen(partition->prefix)) != 0)
		partition++;
	return partition;
}

/* An operator's URL and the setting it comes from. */
struct override {
	const char *url, *setting;
};

/* The most specific one wins; our own alias comes last. */
static struct override find_override(const struct config *config, const struct profile *profile,
				     enum aws_service service)
{
	const char *const *own = (const void *)((const char *)config + services[service].url);
	bool secrets = service == AWS_SECRETS_MANAGER;
	const struct override candidates[] = {
		{*own, services[service].setting},
		{config->endpoint_url, "AWS_ENDPOINT_URL"},
		{profile != NULL ? profile->service_endpoint_urls[service] : NULL,
		 "the profile's services section"},
		{profile != NULL ? profile->endpoint_url : NULL, "the profile's endpoint_url"},
		{secrets ? config->endpoint_template : NULL, "SECRETS_MANAGER_ENDPOINT"},
	};

	if (config->ignore_endpoint_urls || (profile != NULL && profile->ignore_endpoint_urls))
		return (struct override){0};
	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		if (candidates[i].url != NULL)
			return candidates[i];
	return (struct override){0};
}

/* Letters, digits and what else a host, a port and a path consist of: nothing to misread. */
static bool plain_url(const char *url)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"-._~:/%[]";

	return url[strspn(url, allowed)] == '\0';
}

static struct status take_override(struct override override, struct endpoint *ret)
{
	const char *rest, *standard_port;
	size_t authority, host;
	int url_length;

	if (strncasecmp(override.url, "https://", 8) == 0) {
		rest = override.url + 8;
		standard_port = ":443";
	} else if (strncasecmp(override.url, "http://", 7) == 0) {
		rest = override.url + 7;
		standard_port = ":80";
	} else {
		return failure(STATUS_INVALID, "%s must begin with https:// or http://",
			       override.setting);
	}
	authority = strcspn(rest, "/");
	host = authority;
	if (authority > strlen(standard_port) && memcmp(rest + authority - strlen(standard_port),
							standard_port, strlen(standard_port)) == 0)
		host -= strlen(standard_port);
	if (host == 0 || *rest == ':' || host >= sizeof(ret->host) ||
	    strlen(rest + authority) >= sizeof(ret->path) || !plain_url(override.url))
		return failure(STATUS_INVALID,
			       "%s is not a URL of the form https://host[:port][/path]",
			       override.setting);
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)host, rest);
	snprintf(ret->path, sizeof(ret->path), "%s",
		 rest[authority] == '/' ? rest + authority : "/");
	url_length = snprintf(ret->url, sizeof(ret->url), "%.*s%s",
			      (int)(rest + authority - override.url), override.url, ret->path);
	if (url_length >= (int)sizeof(ret->url))
		return failure(STATUS_INVALID, "%s is too long", override.setting);
	return OK;
}

static void make_host(const struct config *config, enum aws_service service, const char *region,
		      struct endpoint *ret)
{
	const struct partition *partition = partition_of(region);
	bool fips = config->use_fips, dualstack = config->use_dualstack;

	if (service == AWS_SECRETS_MANAGER &&
	    (fips ? partition->same_host_fips : partition->same_host))
		dualstack = false;
	if (service != AWS_SECRETS_MANAGER && partition->plain_is_fips && !dualstack)
		fips = false;
	snprintf(ret->host, sizeof(ret->host), "%s%s.%s.%s", services[service].signing_name,
		 fips ? "-fips" : "", region,
		 dualstack ? partition->dualstack_suffix : partition->suffix);
	snprintf(ret->path, sizeof(ret->path), "/");
	snprintf(ret->url, sizeof(ret->url), "https://%s/", ret->host);
}

struct status endpoint_resolve(const struct config *config, const struct profile *profile,
			       enum aws_service service, const char *region, struct endpoint *ret)
{
	struct override override = find_override(config, profile, service);
	struct endpoint made = {.signing_name = services[service].signing_name,
				.title = services[service].title};

	snprintf(made.region, sizeof(made.region), "%s", region);
	if (override.url == NULL) {
		make_host(config, service, region, &made);
	} else {
		if (config->use_fips || config->use_dualstack)
			return failure(
				STATUS_INVALID,
				"%s and %s cannot both be set: only AWS's own hosts have such "
				"a variant",
				override.setting,
				config->use_fips ? "AWS_USE_FIPS_ENDPOINT"
						 : "AWS_USE_DUALSTACK_ENDPOINT");
		TRY(take_override(override, &made));
	}
	*ret = made;
	return OK;
}

/* It becomes part of a host name, and it may come from an event: nothing but a region gets in. */
static struct status take_region(const char *text, size_t length, const char *source,
				 char ret[AWS_REGION_MAX + 1])
{
	if (length == 0 || length > AWS_REGION_MAX || text[0] == '-' || text[length - 1] == '-' ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") < length)
		return failure(STATUS_INVALID, "%s is not a region such as eu-west-1", source);
	memcpy(ret, text, length);
	ret[length] = '\0';
	return OK;
}

/* arn:partition:service:region:account:…; `what` names one of the service. */
static struct status region_of_arn(const char *arn, enum aws_service service, const char *what,
				   char ret[AWS_REGION_MAX + 1])
{
	const char *name = services[service].signing_name;
	const char *field = arn;
	char source[64];
	size_t length;

	for (int i = 0; i < 2; i++)
		field += strcspn(field, ":") + (field[strcspn(field, ":")] == ':');
	if (strncmp(field, name, strlen(name)) != 0 || field[strlen(name)] != ':')
		return failure(STATUS_INVALID, "'%.200s' is not the ARN of %s", arn, what);
	field += strlen(name) + 1;
	length = strcspn(field, ":");
	if (field[length] == '\0')
		return failure(STATUS_INVALID, "'%.200s' is not the ARN of %s", arn, what);
	snprintf(source, sizeof(source), "the fourth field of the ARN of %s", what);
	return take_region(field, length, source, ret);
}

struct status endpoint_region_of_database(const char *arn, char ret[AWS_REGION_MAX + 1])
{
	return region_of_arn(arn, AWS_RDS, "a database", ret);
}

struct status endpoint_region(const struct config *config, const struct profile *profile,
			      const char *secret_id, char ret[AWS_REGION_MAX + 1])
{
	const char *region = config_region(config);
	const char *source = config->region != NULL ? "AWS_REGION" : "AWS_DEFAULT_REGION";

	if (secret_id != NULL && strncmp(secret_id, "arn:", 4) == 0)
		return region_of_arn(secret_id, AWS_SECRETS_MANAGER, "a secret", ret);
	if (region == NULL && profile != NULL) {
		region = profile->region;
		source = "the profile's region";
	}
	if (region == NULL)
		return failure(STATUS_INVALID,
			       "no region: set AWS_REGION, or name the secret by its ARN");
	return take_region(region, strlen(region), source, ret);
}
