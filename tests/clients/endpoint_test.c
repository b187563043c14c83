/* endpoint: the hosts that botocore's rule sets give, the order of overrides, the region. */
#include "test.h"

#include "clients/aws/endpoint.h"
#include "clients/aws/profile.h"
#include "clients/vectors/vectors.h"
#include "core/memory.h"

static struct endpoint resolved(const struct config *config, const struct profile *profile,
				enum aws_service service)
{
	struct endpoint endpoint;

	assert_ok(endpoint_resolve(config, profile, service, "eu-west-1", &endpoint));
	return endpoint;
}

static enum aws_service service_named(const char *name)
{
	return strcmp(name, "sts") == 0	  ? AWS_STS
	       : strcmp(name, "rds") == 0 ? AWS_RDS
					  : AWS_SECRETS_MANAGER;
}

static void endpoint_every_vector_gives_botocores_host(void **state)
{
	cJSON *vectors = vectors_read("tests/clients/vectors/endpoints.json");
	const cJSON *vector;
	int count = 0;

	(void)state;
	cJSON_ArrayForEach(vector, vectors)
	{
		struct config config = {.use_fips = vector_flag(vector, "fips"),
					.use_dualstack = vector_flag(vector, "dualstack")};
		struct endpoint endpoint;

		assert_ok(endpoint_resolve(&config, NULL,
					   service_named(vector_text(vector, "service")),
					   vector_text(vector, "region"), &endpoint));
		assert_string_equal(endpoint.url, vector_text(vector, "url"));
		assert_string_equal(endpoint.signing_name, vector_text(vector, "service"));
		assert_int_equal(strncmp(endpoint.url + 8, endpoint.host, strlen(endpoint.host)),
				 0);
		count++;
	}
	cJSON_Delete(vectors);
	assert_int_equal(count, 108);
}

static void endpoint_override_may_carry_port_and_path(void **state)
{
	struct config config = {.endpoint_url = "http://127.0.0.1:5055"};
	struct endpoint endpoint = resolved(&config, NULL, AWS_SECRETS_MANAGER);

	(void)state;
	assert_string_equal(endpoint.url, "http://127.0.0.1:5055/");
	assert_string_equal(endpoint.host, "127.0.0.1:5055");
	assert_string_equal(endpoint.path, "/");
	assert_string_equal(endpoint.region, "eu-west-1");

	config.endpoint_url = "https://gateway.example.com:443/aws/sm";
	endpoint = resolved(&config, NULL, AWS_STS);
	assert_string_equal(endpoint.url, "https://gateway.example.com:443/aws/sm");
	assert_string_equal(endpoint.host, "gateway.example.com");
	assert_string_equal(endpoint.path, "/aws/sm");

	config.endpoint_url = "http://[::1]:80/";
	assert_string_equal(resolved(&config, NULL, AWS_STS).host, "[::1]");
}

static void endpoint_most_specific_override_wins(void **state)
{
	char from_profile[] = "http://profile", from_services[] = "http://services";
	struct profile profile = {.endpoint_url = from_profile,
				  .service_endpoint_urls = {[AWS_SECRETS_MANAGER] = from_services}};
	struct config config = {.endpoint_secrets_manager = "http://one",
				.endpoint_url = "http://two",
				.endpoint_template = "http://five"};

	(void)state;
	assert_string_equal(resolved(&config, &profile, AWS_SECRETS_MANAGER).host, "one");
	assert_string_equal(resolved(&config, &profile, AWS_STS).host, "two");
	config.endpoint_rds = "http://rds";
	assert_string_equal(resolved(&config, &profile, AWS_RDS).host, "rds");
	config.endpoint_rds = NULL;
	assert_string_equal(resolved(&config, &profile, AWS_RDS).host, "two");
	config.endpoint_secrets_manager = NULL;
	assert_string_equal(resolved(&config, &profile, AWS_SECRETS_MANAGER).host, "two");
	config.endpoint_url = NULL;
	assert_string_equal(resolved(&config, &profile, AWS_SECRETS_MANAGER).host, "services");
	profile.service_endpoint_urls[AWS_SECRETS_MANAGER] = NULL;
	assert_string_equal(resolved(&config, &profile, AWS_SECRETS_MANAGER).host, "profile");
	profile.endpoint_url = NULL;
	assert_string_equal(resolved(&config, &profile, AWS_SECRETS_MANAGER).host, "five");
	assert_string_equal(resolved(&config, &profile, AWS_STS).host,
			    "sts.eu-west-1.amazonaws.com");
	config.endpoint_url = "http://two";
	config.ignore_endpoint_urls = true;
	assert_string_equal(resolved(&config, &profile, AWS_SECRETS_MANAGER).host,
			    "secretsmanager.eu-west-1.amazonaws.com");
}

static void endpoint_fips_with_an_override_is_refused(void **state)
{
	struct config config = {.endpoint_template = "http://five", .use_fips = true};
	struct endpoint endpoint;

	(void)state;
	assert_failed(endpoint_resolve(&config, NULL, AWS_SECRETS_MANAGER, "eu-west-1", &endpoint),
		      STATUS_INVALID, "SECRETS_MANAGER_ENDPOINT and AWS_USE_FIPS_ENDPOINT");
	config.use_fips = false;
	config.use_dualstack = true;
	assert_failed(endpoint_resolve(&config, NULL, AWS_SECRETS_MANAGER, "eu-west-1", &endpoint),
		      STATUS_INVALID, "AWS_USE_DUALSTACK_ENDPOINT");
}

static void endpoint_odd_urls_are_refused_with_the_settings_name(void **state)
{
	static const char *const odd[] = {"localhost:80",     "ftp://x/",
					  "http://",	      "http:///path",
					  "http://:80/",      "http://a b/",
					  "http://a/?query",  "http://u:p@host/",
					  "http://a/\r\nX: y"};
	struct endpoint endpoint;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct config config = {.endpoint_url = odd[i]};

		assert_failed(endpoint_resolve(&config, NULL, AWS_STS, "eu-west-1", &endpoint),
			      STATUS_INVALID, "AWS_ENDPOINT_URL");
	}
}

static void region_of_an_arn_wins(void **state)
{
	struct config config = {.region = "eu-west-1", .default_region = "eu-west-2"};
	char in_profile[] = "eu-west-3";
	struct profile profile = {.region = in_profile};
	char region[AWS_REGION_MAX + 1];

	(void)state;
	assert_ok(endpoint_region(&config, &profile,
				  "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a-b",
				  region));
	assert_string_equal(region, "cn-north-1");
	assert_ok(endpoint_region(&config, &profile, "app", region));
	assert_string_equal(region, "eu-west-1");
	config.region = NULL;
	assert_ok(endpoint_region(&config, &profile, NULL, region));
	assert_string_equal(region, "eu-west-2");
	config.default_region = NULL;
	assert_ok(endpoint_region(&config, &profile, NULL, region));
	assert_string_equal(region, "eu-west-3");
	assert_failed(endpoint_region(&config, NULL, "app", region), STATUS_INVALID, "AWS_REGION");
}

static void region_that_is_none_is_refused(void **state)
{
	struct config config = {.region = "evil.example.com/"};
	char region[AWS_REGION_MAX + 1];

	(void)state;
	assert_failed(endpoint_region(&config, NULL, "app", region), STATUS_INVALID, "AWS_REGION");
	assert_failed(endpoint_region(&config, NULL, "arn:aws:secretsmanager:a.b:1:secret:x",
				      region),
		      STATUS_INVALID, "fourth field");
	assert_failed(endpoint_region(&config, NULL, "arn:aws:secretsmanager::1:secret:x", region),
		      STATUS_INVALID, "fourth field");
	assert_failed(endpoint_region(&config, NULL, "arn:aws:ssm:eu-west-1:1:parameter/x", region),
		      STATUS_INVALID, "not the ARN of a secret");
	assert_failed(endpoint_region(&config, NULL, "arn:", region), STATUS_INVALID,
		      "not the ARN");
	assert_failed(endpoint_region(&config, NULL, "arn:aws:secretsmanager:eu-west-1", region),
		      STATUS_INVALID, "not the ARN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoint_every_vector_gives_botocores_host),
		cmocka_unit_test(endpoint_override_may_carry_port_and_path),
		cmocka_unit_test(endpoint_most_specific_override_wins),
		cmocka_unit_test(endpoint_fips_with_an_override_is_refused),
		cmocka_unit_test(endpoint_odd_urls_are_refused_with_the_settings_name),
		cmocka_unit_test(region_of_an_arn_wins),
		cmocka_unit_test(region_that_is_none_is_refused),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
