/*
 * faults: what is to go wrong, and how often it has.
 *
 * A list that a test puts there. The first entry that fits a call, has skipped enough and is not
 * used up strikes; the others do not see that call.
 */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include "http.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULTS_MAX 64
#define FAULT_DELAY_MAX_MS 60000

enum fault_kind {
	FAULT_ERROR,	   /* nothing done, answered with `type` */
	FAULT_THROTTLE,	   /* nothing done, ThrottlingException */
	FAULT_DELAY,	   /* done after `delay_ms` */
	FAULT_DROP_BEFORE, /* nothing done, connection closed */
	FAULT_DROP_AFTER,  /* done, connection closed */
	FAULT_CUT,	   /* done, connection closed after `bytes` of the answer */
};

struct fault {
	enum fault_kind kind;
	char action[64];
	char secret[256]; /* "" = any */
	int64_t skip;	  /* let so many calls pass first */
	int64_t times;	  /* then strike so often; negative = always */
	double probability;
	char type[64];
	unsigned status; /* 0 = the error type's own */
	char message[256];
	int64_t delay_ms;
	size_t bytes;
	int64_t seen;
	int64_t hits;
};

struct faults {
	struct fault *list;
	size_t count;
};

/* The fault that strikes this call, NULL for none. Counts it. */
const struct fault *faults_take(struct faults *, const char *action, const char *secret);

const char *fault_kind_name(enum fault_kind);

/* Does this kind leave the call undone? */
bool fault_prevents(enum fault_kind);

/* Replaces the list by a JSON array. NULL when it is accepted, else what is wrong with it. */
const char *faults_replace(struct faults *, const cJSON *list);
cJSON *faults_show(const struct faults *);
void faults_clear(struct faults *);

#endif
