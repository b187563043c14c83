/*
 * The files are INI of AWS's kind: "[profile x]" in one and "[x]" in the other, and a setting may
 * have settings of its own, indented below it. Not libinih: as Debian builds it, it cuts a line at
 * 200 bytes, and a session token is longer than that. The text stays in one buffer, searched anew
 * for each setting: there are some fifteen, and a file has a few hundred lines.
 */
#include "clients/aws/profile.h"

#include "clients/aws/file.h"
#include "core/buffer.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_LIMIT (256 * 1024)
#define PATH_LIMIT 4096

/* Part of a line, without the white space around it. */
struct span {
	const char *text;
	size_t length;
};

static struct span trimmed(const char *text, size_t length)
{
	while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
		length--;
	while (length > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		length--;
	}
	return (struct span){text, length};
}

static bool span_is(struct span span, const char *text)
{
	return strlen(text) == span.length && memcmp(span.text, text, span.length) == 0;
}

/* Is `line` the header of `section`? Any white space may stand between "profile" and the name. */
static bool is_header(struct span line, const char *kind, const char *name)
{
	struct span inside;

	if (line.length < 2 || line.text[line.length - 1] != ']')
		return false;
	inside = trimmed(line.text + 1, line.length - 2);
	if (kind != NULL) {
		size_t length = strlen(kind);

		if (inside.length <= length || memcmp(inside.text, kind, length) != 0 ||
		    (inside.text[length] != ' ' && inside.text[length] != '\t'))
			return false;
		inside = trimmed(inside.text + length, inside.length - length);
	}
	return span_is(inside, name);
}

/* What to look for: "[kind name]", or "[name]" without kind; `nested` below `key`, or `key` itself.
 */
struct query {
	const char *kind, *name, *key, *nested;
};

/* `ret` with a NULL text: not there. `*has_section` is set, never reset. */
static struct span find(const char *text, struct query query, bool *has_section)
{
	bool inside = false, below = false;

	for (const char *line = text; *line != '\0';
	     line += strcspn(line, "\n"), line += *line == '\n') {
		size_t length = strcspn(line, "\n");
		struct span content = trimmed(line, length), key, value;
		const char *equals;
		bool indented = *line == ' ' || *line == '\t';

		if (content.length == 0 || strchr("#;", *content.text) != NULL)
			continue;
		if (*content.text == '[') {
			inside = is_header(content, query.kind, query.name);
			*has_section = *has_section || inside;
			below = false;
			continue;
		}
		equals = memchr(content.text, '=', content.length);
		if (!inside || equals == NULL)
			continue;
		key = trimmed(content.text, (size_t)(equals - content.text));
		value = trimmed(equals + 1, content.length - (size_t)(equals + 1 - content.text));
		if (!indented)
			below = query.nested != NULL && span_is(key, query.key);
		if (query.nested == NULL ? !indented && span_is(key, query.key)
					 : indented && below && span_is(key, query.nested))
			return value;
	}
	return (struct span){0};
}

/* AWS_CONFIG_FILE and its kin, or a file in ~/.aws; "" when there is no home. */
static struct status file_path(const struct config *config, const char *set, const char *standard,
			       struct buffer *ret)
{
	if (set != NULL && strncmp(set, "~/", 2) != 0)
		return buffer_append_string(ret, set);
	if (config->home == NULL)
		return OK;
	return buffer_printf(ret, "%s/%s", config->home, set != NULL ? set + 2 : standard);
}

/*
 * Somebody else's home, as where a container sets HOME to root's, has no files for us; unless the
 * environment names one in there.
 */
static struct status read_if_there(const char *path, const char *set, struct buffer *ret)
{
	struct status status = *path != '\0' ? file_read(path, ret) : OK;

	if (status.code == STATUS_NOT_FOUND)
		return OK;
	if (status.code == STATUS_INVALID && set == NULL && file_is_hidden(path))
		return OK;
	return status;
}

/* Both files, and the profile looked for in them. */
struct files {
	const char *name;
	struct buffer credentials, config;
	bool found;
};

static struct span setting(struct files *files, const char *key)
{
	bool is_default = strcmp(files->name, "default") == 0;
	struct span value = find(buffer_string(&files->credentials),
				 (struct query){NULL, files->name, key, NULL}, &files->found);

	if (value.text == NULL)
		value = find(buffer_string(&files->config),
			     (struct query){"profile", files->name, key, NULL}, &files->found);
	if (value.text == NULL && is_default)
		value = find(buffer_string(&files->config),
			     (struct query){NULL, "default", key, NULL}, &files->found);
	return value;
}

static struct status copy_span(struct span value, char **ret)
{
	if (value.length == 0)
		return OK;
	*ret = memory_alloc(value.length + 1);
	if (*ret == NULL)
		return OUT_OF_MEMORY;
	memcpy(*ret, value.text, value.length);
	(*ret)[value.length] = '\0';
	return OK;
}

static struct status take(struct files *files, const char *key, char **ret)
{
	return copy_span(setting(files, key), ret);
}

static struct status take_secret(struct files *files, const char *key, struct secret *ret)
{
	struct span value = setting(files, key);

	return value.length > 0 ? secret_make(value.text, value.length, ret) : OK;
}

static struct status take_duration(struct files *files, long *ret)
{
	AUTO(string_clear) char *text = NULL;
	char *end;

	TRY(take(files, "duration_seconds", &text));
	if (text == NULL)
		return OK;
	*ret = strtol(text, &end, 10);
	if (*end != '\0' || *ret < 900 || *ret > 43200)
		return failure(STATUS_INVALID,
			       "profile '%s': duration_seconds must be a number from 900 to 43200",
			       files->name);
	return OK;
}

/* [services x] is named by the profile; a service there has its endpoint_url indented below it. */
static struct status take_service_endpoints(struct files *files, struct profile *profile)
{
	static const char *const names[AWS_SERVICE_COUNT] = {
		[AWS_SECRETS_MANAGER] = "secrets_manager", [AWS_STS] = "sts", [AWS_RDS] = "rds"};
	AUTO(string_clear) char *section = NULL;
	bool ignored = false;

	TRY(take(files, "services", &section));
	for (size_t i = 0; section != NULL && i < AWS_SERVICE_COUNT; i++) {
		struct query query = {"services", section, names[i], "endpoint_url"};

		TRY(copy_span(find(buffer_string(&files->config), query, &ignored),
			      &profile->service_endpoint_urls[i]));
	}
	return OK;
}

static struct status take_all(struct files *files, struct profile *profile)
{
	static const char *const unsupported[] = {"sso_session", "sso_start_url", "sso_account_id",
						  "credential_process", "login_session"};
	AUTO(string_clear) char *ignore = NULL;

	TRY(take(files, "aws_access_key_id", &profile->access_key_id));
	TRY(take_secret(files, "aws_secret_access_key", &profile->secret_access_key));
	TRY(take_secret(files, "aws_session_token", &profile->session_token));
	TRY(take(files, "region", &profile->region));
	TRY(take(files, "role_arn", &profile->role_arn));
	TRY(take(files, "source_profile", &profile->source_profile));
	TRY(take(files, "credential_source", &profile->credential_source));
	TRY(take(files, "web_identity_token_file", &profile->web_identity_token_file));
	TRY(take(files, "external_id", &profile->external_id));
	TRY(take(files, "role_session_name", &profile->role_session_name));
	TRY(take(files, "mfa_serial", &profile->mfa_serial));
	TRY(take(files, "endpoint_url", &profile->endpoint_url));
	TRY(take(files, "ignore_configured_endpoint_urls", &ignore));
	profile->ignore_endpoint_urls = ignore != NULL && strcasecmp(ignore, "true") == 0;
	TRY(take_duration(files, &profile->duration_seconds));
	TRY(take_service_endpoints(files, profile));
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++)
		if (profile->unsupported == NULL && setting(files, unsupported[i]).text != NULL)
			profile->unsupported = unsupported[i];
	return OK;
}

static void files_clear(struct files *files)
{
	buffer_clear(&files->credentials);
	buffer_clear(&files->config);
}

const char *profile_wanted(const struct config *config)
{
	if (config->profile != NULL)
		return config->profile;
	return config->default_profile != NULL ? config->default_profile : "default";
}

struct status profile_load(const struct config *config, const char *name, struct profile *ret)
{
	AUTO(files_clear)
	struct files files = {.name = name,
			      .credentials = BUFFER_INIT(FILE_LIMIT),
			      .config = BUFFER_INIT(FILE_LIMIT)};
	AUTO(buffer_clear) struct buffer credentials_path = BUFFER_INIT(PATH_LIMIT);
	AUTO(buffer_clear) struct buffer config_path = BUFFER_INIT(PATH_LIMIT);
	AUTO(profile_clear) struct profile made = PROFILE_INIT;

	TRY(file_path(config, config->credentials_file, ".aws/credentials", &credentials_path));
	TRY(file_path(config, config->config_file, ".aws/config", &config_path));
	TRY(read_if_there(buffer_string(&credentials_path), config->credentials_file,
			  &files.credentials));
	TRY(read_if_there(buffer_string(&config_path), config->config_file, &files.config));
	TRY(take_all(&files, &made));
	if (!files.found)
		return failure(STATUS_NOT_FOUND, "profile '%s' is neither in '%s' nor in '%s'",
			       name, buffer_string(&credentials_path), buffer_string(&config_path));
	TRY(copy_span((struct span){name, strlen(name)}, &made.name));
	profile_clear(ret);
	*ret = made;
	made = PROFILE_INIT;
	return OK;
}

void profile_clear(struct profile *profile)
{
	string_clear(&profile->name);
	string_clear(&profile->access_key_id);
	secret_clear(&profile->secret_access_key);
	secret_clear(&profile->session_token);
	string_clear(&profile->region);
	string_clear(&profile->role_arn);
	string_clear(&profile->source_profile);
	string_clear(&profile->credential_source);
	string_clear(&profile->web_identity_token_file);
	string_clear(&profile->external_id);
	string_clear(&profile->role_session_name);
	string_clear(&profile->mfa_serial);
	string_clear(&profile->endpoint_url);
	for (size_t i = 0; i < AWS_SERVICE_COUNT; i++)
		string_clear(&profile->service_endpoint_urls[i]);
	*profile = PROFILE_INIT;
}
