/*
 * http: one request as it came over the wire, one reply as it will go.
 *
 * A handler takes a request and returns a reply by value; the server owns the socket. Nothing in a
 * request is decoded: a signature is over the bytes that were sent.
 */
#ifndef SANDBOX_HTTP_H
#define SANDBOX_HTTP_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_HEADERS_MAX 64
#define REPLY_HEADERS_MAX 6

/* Lambda's largest payload and its allowance; everything else we take is far smaller. */
#define BODY_MAX (6 * 1024 * 1024 + 100)

struct header {
	const char *name; /* as sent; compare without case */
	const char *value;
};

struct request {
	const char *method;
	const char *path;  /* raw, without the query */
	const char *query; /* raw, without the '?'; "" when there is none */
	struct header headers[REQUEST_HEADERS_MAX];
	size_t header_count;
	const char *body; /* NUL-terminated, "" when empty */
	size_t length;
	uint64_t connection; /* a number no other connection ever has */
	int socket;
};

/* The value of the first header of this name, NULL when there is none. */
const char *request_header(const struct request *, const char *name);

/* Has the peer closed its end while we were thinking? */
bool request_abandoned(const struct request *);

enum reply_fate {
	REPLY_SEND,
	REPLY_CUT,  /* close the connection after `cut_after` bytes of the body */
	REPLY_DROP, /* close it without a byte */
};

struct reply_header {
	const char *name;
	char value[256];
};

struct reply {
	unsigned status;
	const char *content_type; /* NULL: no body, no type */
	char *body;		  /* owned */
	size_t length;
	char error[64]; /* the AWS error type, "" for none: what the journal notes */
	enum reply_fate fate;
	size_t cut_after;
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t header_count;
};

struct reply reply_empty(unsigned status);

/* Takes `value` and frees it. */
struct reply reply_json(unsigned status, cJSON *value);
[[gnu::format(printf, 3, 4)]] struct reply reply_text(unsigned status, const char *content_type,
						      const char *format, ...);
[[gnu::format(printf, 3, 4)]] void reply_add_header(struct reply *, const char *name,
						    const char *format, ...);

/*
 * An error of AWS's JSON services: status 400 (500 for InternalServiceError), "__type" and the
 * text. Secrets Manager's own errors spell it "Message", those of the layers before it "message".
 */
[[gnu::format(printf, 2, 3)]] struct reply aws_error(const char *type, const char *format, ...);

/* Frees the body. */
void reply_clear(struct reply *);

#endif
