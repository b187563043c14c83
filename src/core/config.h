/*
 * config: every setting of the program, read once from the environment.
 *
 * One table (config_settings) holds name, type, default and meaning; it feeds the parser, `--help`
 * and the README's table, and a test compares them. An empty variable counts as unset, as in AWS's
 * SDKs. Text is not copied: it points into the environment, so no credential is kept twice.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

struct config {
	/* what to rotate, and for how long */
	const char
		*secret_ids; /* AWS_SECRET_ID: comma separated; NULL = only what an event names */
	long timeout;	     /* TANDEM_TIMEOUT, seconds for one command */
	long proxy_wait; /* TANDEM_PROXY_WAIT, seconds until a proxy or a reader must know a password */
	int log_level;		 /* TANDEM_LOG_LEVEL: an enum log_level, 0 = unset */
	const char *database_ca; /* TANDEM_DATABASE_CA: PEM file; NULL = the system store */
	const char *proxy_ca;	 /* TANDEM_PROXY_CA: PEM file; NULL = the system store */

	/* what a secret leaves out */
	const char *engine; /* RDS_ENGINE */
	const char *host;   /* RDS_HOST */
	long port;	    /* RDS_PORT, 0 = the engine's */
	const char *dbname; /* RDS_DBNAME */

	/* the password policy, named as in AWS's rotation templates */
	long password_length;		 /* PASSWORD_LENGTH */
	const char *exclude_characters;	 /* EXCLUDE_CHARACTERS */
	bool exclude_lowercase;		 /* EXCLUDE_LOWERCASE */
	bool exclude_uppercase;		 /* EXCLUDE_UPPERCASE */
	bool exclude_numbers;		 /* EXCLUDE_NUMBERS */
	bool exclude_punctuation;	 /* EXCLUDE_PUNCTUATION */
	bool require_each_included_type; /* REQUIRE_EACH_INCLUDED_TYPE */

	/* where AWS is */
	const char *region;		      /* AWS_REGION */
	const char *default_region;	      /* AWS_DEFAULT_REGION */
	const char *endpoint_url;	      /* AWS_ENDPOINT_URL */
	const char *endpoint_secrets_manager; /* AWS_ENDPOINT_URL_SECRETS_MANAGER */
	const char *endpoint_sts;	      /* AWS_ENDPOINT_URL_STS */
	const char *endpoint_rds;	      /* AWS_ENDPOINT_URL_RDS */
	const char *endpoint_template;	      /* SECRETS_MANAGER_ENDPOINT, the templates' name */
	bool ignore_endpoint_urls;	      /* AWS_IGNORE_CONFIGURED_ENDPOINT_URLS */
	bool use_fips;			      /* AWS_USE_FIPS_ENDPOINT */
	bool use_dualstack;		      /* AWS_USE_DUALSTACK_ENDPOINT */
	const char *ca_bundle;		      /* AWS_CA_BUNDLE */

	/* who we are to AWS */
	const char *access_key_id;	     /* AWS_ACCESS_KEY_ID */
	const char *secret_access_key;	     /* AWS_SECRET_ACCESS_KEY */
	const char *session_token;	     /* AWS_SESSION_TOKEN */
	const char *web_identity_token_file; /* AWS_WEB_IDENTITY_TOKEN_FILE */
	const char *role_arn;		     /* AWS_ROLE_ARN */
	const char *role_session_name;	     /* AWS_ROLE_SESSION_NAME */
	const char *profile;		     /* AWS_PROFILE */
	const char *default_profile;	     /* AWS_DEFAULT_PROFILE */
	const char *credentials_file;	     /* AWS_SHARED_CREDENTIALS_FILE */
	const char *config_file;	     /* AWS_CONFIG_FILE */
	const char *container_relative_uri;  /* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI */
	const char *container_full_uri;	     /* AWS_CONTAINER_CREDENTIALS_FULL_URI */
	const char *container_token;	     /* AWS_CONTAINER_AUTHORIZATION_TOKEN */
	const char *container_token_file;    /* AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE */
	bool metadata_disabled;		     /* AWS_EC2_METADATA_DISABLED */
	const char *metadata_endpoint;	     /* AWS_EC2_METADATA_SERVICE_ENDPOINT */
	const char
		*metadata_endpoint_mode; /* AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: IPv4 or IPv6 */
	const char *assume_role_arn;	 /* TANDEM_ASSUME_ROLE_ARN */
	const char *assume_role_external_id; /* TANDEM_ASSUME_ROLE_EXTERNAL_ID */
	const char *home;		     /* HOME: where ~/.aws is */

	/* set by Lambda */
	const char *lambda_runtime_api; /* AWS_LAMBDA_RUNTIME_API: its presence selects the mode */
	const char *lambda_function_name; /* AWS_LAMBDA_FUNCTION_NAME */
	int lambda_log_format;		  /* AWS_LAMBDA_LOG_FORMAT: an enum log_format, 0 = unset */
	int lambda_log_level;		  /* AWS_LAMBDA_LOG_LEVEL: 1 FATAL … 6 TRACE, 0 = unset */
};

enum setting_type { SETTING_TEXT, SETTING_BOOLEAN, SETTING_NUMBER, SETTING_CHOICE };

struct setting {
	const char *group; /* a row with nothing else: the heading of the rows below */
	const char *name;
	enum setting_type type;
	size_t offset;	       /* in struct config */
	const char *fallback;  /* the default as text; NULL = unset */
	long minimum, maximum; /* SETTING_NUMBER */
	const char *choices; /* SETTING_CHOICE: "a|b|c", read without case; kept as 1, 2, 3, and 0 =
				unset */
	const char *meaning; /* one line */
};

extern const struct setting config_settings[];
extern const size_t config_setting_count;

/*
 * Reads every setting through `lookup` (getenv in production; NULL = unset). INVALID: a value that
 * does not parse; the text has the variable's name, the problem and the accepted form.
 */
struct status config_load(const char *(*lookup)(const char *name), struct config *ret);

/* The region to use when a secret's ARN names none: AWS_REGION, AWS_DEFAULT_REGION, or NULL. */
const char *config_region(const struct config *);

#endif
