#include "keys.h"

#include "sandbox.h"
#include "text.h"

#include <string.h>

#define ALPHABET_KEY "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

static const struct key fixed = {
	.access_key = "AKIASANDBOXEXAMPLE",
	.secret_key = "sandbox/secret+key/EXAMPLE",
	.principal = "user/sandbox",
};

const struct key *keys_find(const struct sandbox *sandbox, const char *access_key)
{
	if (strcmp(access_key, fixed.access_key) == 0)
		return &fixed;
	for (size_t i = 0; i < KEYS_MAX; i++)
		if (sandbox->keys.issued[i].access_key[0] != '\0' &&
		    strcmp(access_key, sandbox->keys.issued[i].access_key) == 0)
			return &sandbox->keys.issued[i];
	return NULL;
}

const struct key *keys_issue(struct sandbox *sandbox, const char *role, const char *session,
			     int64_t seconds)
{
	struct keys *keys = &sandbox->keys;
	struct key *key = &keys->issued[keys->next];
	char name[17];

	keys->next = (keys->next + 1) % KEYS_MAX;
	*key = (struct key){.expires_ms = sandbox_now(sandbox) + seconds * 1000};
	random_text(name, sizeof(name) - 1, ALPHABET_KEY);
	format_text(key->access_key, sizeof(key->access_key), "ASIA%s", name);
	random_text(key->secret_key, 40, alphabet_base64);
	random_text(key->session_token, SESSION_TOKEN_LENGTH, alphabet_base64);
	format_text(key->principal, sizeof(key->principal), "assumed-role/%s/%s", role, session);
	random_text(name, sizeof(name) - 1, ALPHABET_KEY);
	format_text(key->assumed_role_id, sizeof(key->assumed_role_id), "AROA%s:%s", name, session);
	return key;
}

void key_principal_arn(const struct sandbox *sandbox, const struct key *key,
		       char out[PRINCIPAL_ARN_SIZE])
{
	format_text(out, PRINCIPAL_ARN_SIZE, "arn:aws:%s::%s:%s",
		    key->assumed_role_id[0] == '\0' ? "iam" : "sts", sandbox->options.account,
		    key->principal);
}
