/*
 * lambda: the loop of a Lambda function.
 *
 * Asks the Runtime API for the next event, runs it, answers, and again, until the process is ended.
 * Source: the AWS Lambda page "Using the Lambda runtime API", version 2018-06-01.
 */
#ifndef RUNTIME_LAMBDA_H
#define RUNTIME_LAMBDA_H

#include "runtime/program.h"

/*
 * Runs until the Runtime API cannot be used any more, and has logged why: it is gone, or it answered
 * 500, after which Lambda wants the process to end. An event that is none, or a step that fails, is
 * reported to the API and does not end the loop. Once an allocation has failed it ends as well, when
 * that event is answered: for want of memory OpenSSL finds certificates invalid, and does not forget.
 */
void lambda_run(const struct program *);

/*
 * Tells the Runtime API at `api` (host:port) that the function cannot start, because of `why`. Best
 * effort: the caller exits with an error in any case.
 */
void lambda_report_init_error(const char *api, struct status why);

#endif
