/*
 * http: one blocking exchange, and the only place that tries one again.
 *
 * A request goes out, an answer comes back, nothing else happens: redirects are never followed, TLS
 * is at least 1.2 and always verified, the path is sent as written, no header is added behind the
 * caller's back except Host, User-Agent and Content-Length. A handle keeps its connections, so a
 * second exchange with the same host costs no handshake. Everything that libcurl allocates is wiped
 * when it is freed.
 *
 * No message holds more of a URL than its host, nor any header or body.
 */
#ifndef CLIENTS_HTTP_HTTP_H
#define CLIENTS_HTTP_HTTP_H

#include "core/buffer.h"
#include "core/clock.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_header {
	const char *name;
	const char *value; /* no CR, LF or leading space */
};

/* Nothing here is owned or changed; all of it must live until the exchange has ended. */
struct http_request {
	const char *what;   /* who is asked, for messages: "Secrets Manager", "the Runtime API" */
	const char *method; /* "GET" has no body; any other method has one, maybe empty */
	const char *url;    /* http:// or https://, encoded as it shall be sent */
	const struct http_header *headers;
	size_t header_count;
	const void *body;
	size_t body_length;

	const char *ca_file;	/* PEM; NULL = the system store */
	const char *ca_setting; /* the variable that sets ca_file, for messages; or NULL */
	bool bypass_proxy; /* ignore http_proxy and its kin: link-local and loopback services */
	int64_t connect_timeout; /* milliseconds to resolve, connect and shake hands; 0 = 5000 */
	int64_t try_timeout; /* milliseconds for the whole of one try, a dead peer; 0 = the deadline
			      */
	size_t response_limit;	  /* the most bytes of body; 0 = 1 MiB */
	struct deadline deadline; /* .clock NULL = none: only for a call that may block for hours */

	/*
	 * Twice is as good as once: where a kept connection turns out to be dead (a Lambda was
	 * frozen), send it again on a fresh one, once. Otherwise that is a lost answer.
	 */
	bool repeatable;
};

/* How far an exchange came: what decides whether the other side may have acted. */
enum http_progress {
	HTTP_NOT_SENT, /* failed before a byte of the request left: certainly not processed */
	HTTP_LOST,     /* sent, but no whole answer came: may have been processed */
	HTTP_ANSWERED,
};

struct http_response {
	enum http_progress progress;
	int status;		/* 200, 404, … */
	struct buffer headers_; /* name NUL value NUL …; use http_response_header() */
	struct buffer body;
};

#define HTTP_RESPONSE_INIT ((struct http_response){0})

/* Wipes and frees. For AUTO(). */
void http_response_clear(struct http_response *);

/* A header's value, the last one where it was sent twice; NULL when missing. Any case. */
const char *http_response_header(const struct http_response *, const char *name);

/* The Date header as Unix time in seconds. False: missing or unreadable. */
bool http_response_date(const struct http_response *, int64_t *ret);

/* A handle: connections of its own, which it keeps. One exchange at a time. */
struct http;

/*
 * Starts libcurl at the first call in the process. The program must ignore SIGPIPE: OpenSSL writes
 * to dead connections too. UNAVAILABLE: libcurl does not start, or no memory.
 */
struct status http_open(struct http **ret);
void http_close(struct http **);

/*
 * Sends the request once and reads the answer, whatever its status code. `ret` is emptied first;
 * its progress is also set on failure. UNAVAILABLE: not resolved, connected or answered before the
 * deadline, or the connection broke. INVALID: the server's certificate could not be verified (the
 * text names ca_setting), a URL that is none, the request's or that of the proxy to go through, an
 * answer longer than response_limit.
 */
struct status http_exchange(struct http *, const struct http_request *, struct http_response *ret);

/* What to make of one answer. */
enum http_verdict {
	HTTP_DONE,    /* no further try */
	HTTP_AGAIN,   /* once more after a moment */
	HTTP_SLOWER,  /* once more after a longer moment: throttled, so certainly not processed */
	HTTP_AT_ONCE, /* once more without a wait: the next try will differ (new credentials) */
};

/* What one kind of call wants done about failures. Every function takes `context` first. */
struct http_policy {
	int tries; /* the most times the request may fail; to be throttled is no failure */
	void *context;

	/* Completes the request before each try, the first being 0: date, signature. May be NULL.
	 */
	struct status (*prepare)(void *context, int attempt, struct http_request *);

	/* Reads an answer. `*why`, OK before, becomes the result if no try follows. */
	enum http_verdict (*judge)(void *context, const struct http_response *, struct status *why);

	/*
	 * Before the request is sent again after a lost answer: was it done? `*done` ends the call
	 * with OK and an empty response. NULL: sending it again does no harm.
	 */
	struct status (*find_done)(void *context, bool *done);
};

/*
 * Exchanges until the policy is content, its tries are used up or the deadline leaves no room for
 * another. Waits 50 ms, doubled for each further try and at most 5 s, 500 ms where throttled, at
 * least Retry-After where one was sent; half of each wait is random. Throttling alone never uses
 * the tries up: the service has done nothing, and says that it will. Fails as http_exchange(), or
 * with what judge(), prepare() or find_done() made of it. The request must have a deadline.
 */
struct status http_call(struct http *, struct http_request *, const struct http_policy *,
			struct http_response *ret);

#endif
