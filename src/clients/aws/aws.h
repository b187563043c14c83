/*
 * aws: what lives as long as the process: one HTTP handle, temporary keys until they expire, the skew
 * of our clock, and what we learned not to ask for again. Keys that do not expire, as those of a
 * function's environment, are read anew for each call and not kept in between.
 *
 * Nothing is done before it is needed: opening makes no call, reads no file and starts no library.
 */
#ifndef CLIENTS_AWS_AWS_H
#define CLIENTS_AWS_AWS_H

#include "clients/aws/call.h"
#include "core/buffer.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/status.h"

#include <stdbool.h>

struct aws;

/* `config` is not copied and must outlive it. */
struct status aws_open(const struct config *, struct aws **ret);
void aws_close(struct aws **);

/* Requests sent so far, retries and those to STS included; for metrics. */
unsigned aws_calls(const struct aws *);

/*
 * Who we are to AWS, in words and without secrets ("the environment (key AKIA…)", "the role
 * 'arn…'"). Fetches keys where there are none yet; fails as credentials_fetch(). Valid until
 * aws_close().
 */
struct status aws_describe_caller(struct aws *, struct deadline, const char **ret);

/* One operation of Secrets Manager. */
struct aws_secrets_call {
	const char *operation; /* "GetSecretValue" */
	const char *id;	       /* the secret's name or ARN, for messages */
	const char *region_of; /* the ARN, or else the setting, that decides the region */
	const char *body;      /* JSON */
	size_t body_length;
	struct deadline deadline;
	bool repeatable;
	struct status (*find_done)(void *context, bool *done);
	void *context;
};

/* Fails as aws_call_send() and credentials_fetch(), and INVALID where no region is known. */
struct status aws_call_secrets_manager(struct aws *, const struct aws_secrets_call *,
				       struct aws_error *error, struct http_response *ret);

/* One operation of a service that takes a form and answers in XML. It only reads. */
struct aws_form_call {
	enum aws_service service;
	const char *action;   /* as IAM writes it: "rds:DescribeDBInstances" */
	const char *resource; /* for messages */
	const char *region;
	const struct buffer *form;
	struct deadline deadline;
};

/* Fails as aws_call_send() and credentials_fetch(). */
struct status aws_call_form(struct aws *, const struct aws_form_call *, struct aws_error *error,
			    struct http_response *ret);

/*
 * Is there a region and an endpoint for calls about this secret? Reads the profile, calls nobody.
 * INVALID: no; the text names the setting.
 */
struct status aws_check_endpoint(struct aws *, const char *id);

/* The region calls about this secret go to. */
struct status aws_region_of(struct aws *, const char *id, char ret[AWS_REGION_MAX + 1]);

/* BatchGetSecretValue was refused before: single reads do the same job. */
bool aws_batch_refused(const struct aws *);
void aws_refuse_batch(struct aws *);

#endif
