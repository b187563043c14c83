#include "sandbox.h"

#include "text.h"

#include <string.h>
#include <time.h>

void sandbox_init(struct sandbox *sandbox, const struct options *options, int64_t retry_delay_ms)
{
	pthread_condattr_t monotonic;

	*sandbox = (struct sandbox){
		.options = *options,
		.settings = {.credential_lifetime_s = 3600,
			     .rotation_attempts = 5,
			     .retry_delay_ms = retry_delay_ms,
			     .rds_page_size = 100,
			     .send_rotation_token = true},
	};
	pthread_mutex_init(&sandbox->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&sandbox->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

void sandbox_stop(struct sandbox *sandbox)
{
	pthread_mutex_lock(&sandbox->lock);
	sandbox->stopping = true;
	sandbox_changed(sandbox);
	while (sandbox->rotations.threads > 0)
		sandbox_wait(sandbox, monotonic_ms() + 1000);
	pthread_mutex_unlock(&sandbox->lock);
}

void sandbox_clear(struct sandbox *sandbox)
{
	vault_clear(&sandbox->vault);
	databases_clear(&sandbox->databases);
	faults_clear(&sandbox->faults);
	journal_clear(&sandbox->journal);
	lambda_clear(&sandbox->lambda);
	rotations_clear(&sandbox->rotations);
	pthread_cond_destroy(&sandbox->changed);
	pthread_mutex_destroy(&sandbox->lock);
}

int64_t sandbox_now(const struct sandbox *sandbox)
{
	return unix_ms() + sandbox->settings.clock_offset_s * 1000;
}

void sandbox_changed(struct sandbox *sandbox)
{
	pthread_cond_broadcast(&sandbox->changed);
}

void sandbox_wait(struct sandbox *sandbox, int64_t at)
{
	struct timespec until = {.tv_sec = (time_t)(at / 1000),
				 .tv_nsec = (long)(at % 1000) * 1000000};

	pthread_cond_timedwait(&sandbox->changed, &sandbox->lock, &until);
}

void sandbox_sleep(struct sandbox *sandbox, int64_t milliseconds)
{
	int64_t end = monotonic_ms() + milliseconds;

	while (!sandbox->stopping && monotonic_ms() < end)
		sandbox_wait(sandbox, end);
}

bool sandbox_denies(const struct sandbox *sandbox, const char *service, const char *action)
{
	char wanted[128];

	format_text(wanted, sizeof(wanted), "%s:%s", service, action);
	for (size_t i = 0; i < sandbox->settings.deny_count; i++)
		if (strcmp(sandbox->settings.deny[i], wanted) == 0)
			return true;
	return false;
}
