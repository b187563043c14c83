/*
 * One exchange on a libcurl handle of its own. What survives it is what makes the next one cheap:
 * connections and the parsed CA store.
 */
#include "clients/http/http.h"

#include "clients/http/trust.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <string.h>
#include <strings.h>

#define CONNECT_TIMEOUT_MS 5000
#define RESPONSE_LIMIT (1024 * 1024)
#define HEADERS_LIMIT (32 * 1024)
#define HEADER_LINE_MAX 16384
#define DNS_CACHE_S 10
#define POLL_MS 1000

struct http {
	CURLM *kept;	   /* what makes the next exchange cheap: connections, the CA store */
	bool whole_bundle; /* the folder of CAs lacked one */
	bool spoiled; /* memory was short while it was used: a CA may be kept that is no good */
	char reason[CURL_ERROR_SIZE];
};

/* One exchange under way: what libcurl's callbacks see. */
struct exchange {
	const struct http_request *request;
	struct http_response *response;
	int sent;    /* how often the request began to leave */
	int status;  /* of the answer */
	bool failed; /* `failed_with` is ours, not libcurl's */
	struct status failed_with;
};

void http_response_clear(struct http_response *response)
{
	buffer_clear(&response->headers_);
	buffer_clear(&response->body);
	*response = HTTP_RESPONSE_INIT;
}

const char *http_response_header(const struct http_response *response, const char *name)
{
	const char *at = buffer_string(&response->headers_);
	const char *end = at + response->headers_.length;
	const char *found = NULL;

	while (at < end) {
		const char *value = at + strlen(at) + 1;

		if (strcasecmp(at, name) == 0)
			found = value;
		at = value + strlen(value) + 1;
	}
	return found;
}

bool http_response_date(const struct http_response *response, int64_t *ret)
{
	const char *text = http_response_header(response, "date");
	time_t date = text != NULL ? curl_getdate(text, NULL) : -1;

	if (date == -1)
		return false;
	*ret = date;
	return true;
}

struct status http_open(struct http **ret)
{
	static bool started;
	unsigned long failures = memory_failures();
	struct http *http;

	if (!started &&
	    curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_alloc, memory_free, memory_resize,
				 memory_copy_string, memory_alloc_zero) != CURLE_OK)
		return failure(STATUS_UNAVAILABLE, "libcurl does not start");
	started = true;
	if (memory_failures() != failures)
		return OUT_OF_MEMORY;
	http = memory_alloc_zero(1, sizeof(*http));
	if (http == NULL)
		return OUT_OF_MEMORY;
	http->kept = curl_multi_init();
	if (http->kept == NULL) {
		memory_free(http);
		return OUT_OF_MEMORY;
	}
	*ret = http;
	return OK;
}

void http_close(struct http **http)
{
	if (*http == NULL)
		return;
	curl_multi_cleanup((*http)->kept);
	memory_free(*http);
	*http = NULL;
}

/* The host and port of a URL, without user, path and query: what a message may show. */
static void authority(const char *url, int *length, const char **ret)
{
	const char *start = strstr(url, "://");
	const char *user;

	start = start != NULL ? start + 3 : url;
	*length = (int)strcspn(start, "/?#");
	user = memrchr(start, '@', (size_t)*length);
	if (user != NULL) {
		*length -= (int)(user + 1 - start);
		start = user + 1;
	}
	*ret = start;
}

static size_t stop(struct exchange *exchange, struct status why)
{
	exchange->failed = true;
	exchange->failed_with = why;
	return 0; /* fewer bytes than given: libcurl gives up */
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	struct status status = buffer_append(&exchange->response->body, bytes, size * count);

	if (status.code != STATUS_OK)
		return stop(exchange, status_while(status, "reading the answer"));
	return size * count;
}

/* Keeps "name NUL value NUL". A status line begins anew: there may be a 100 before the answer. */
static size_t take_header(char *line, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	struct buffer *headers = &exchange->response->headers_;
	size_t length = size * count, name, start;
	char *colon;
	struct status status;

	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		buffer_reset(headers);
		return length;
	}
	colon = memchr(line, ':', length);
	if (colon == NULL || memchr(line, '\0', length) != NULL)
		return length;
	name = (size_t)(colon - line);
	start = name + 1;
	while (start < length && (line[start] == ' ' || line[start] == '\t'))
		start++;
	size_t end = length;
	while (end > start && strchr(" \t\r\n", line[end - 1]) != NULL)
		end--;
	status = buffer_printf(headers, "%.*s%c%.*s%c", (int)name, line, '\0', (int)(end - start),
			       line + start, '\0');
	if (status.code != STATUS_OK)
		return stop(exchange, status_while(status, "reading the answer's headers"));
	/* RFC 9110, 5.5: a CR on its own is dangerous to whoever prints the value. */
	utf8_one_line(headers->data + headers->length - 1 - (end - start));
	return length;
}

/*
 * libcurl calls this when a connection stands and the request is about to leave, and again when a
 * kept connection was dead and it wants to send once more by itself.
 */
static int before_sending(void *context, char *to, char *from, int to_port, int from_port)
{
	struct exchange *exchange = context;

	(void)to, (void)from, (void)to_port, (void)from_port;
	if (exchange->sent > (exchange->request->repeatable ? 1 : 0))
		return CURL_PREREQFUNC_ABORT;
	exchange->sent++;
	return CURL_PREREQFUNC_OK;
}

static struct status add_header(struct curl_slist **list, const char *name, const char *separator,
				const char *value)
{
	AUTO(buffer_clear) struct buffer line = BUFFER_INIT(HEADER_LINE_MAX);
	struct curl_slist *grown;

	if (strpbrk(value, "\r\n") != NULL)
		return failure(STATUS_INVALID, "the value of header %s holds a line break", name);
	TRY(buffer_printf(&line, "%s%s%s", name, separator, value));
	grown = curl_slist_append(*list, line.data);
	if (grown == NULL)
		return OUT_OF_MEMORY;
	*list = grown;
	return OK;
}

static void list_clear(struct curl_slist **list)
{
	curl_slist_free_all(*list);
	*list = NULL;
}

/* The caller's headers, and "Name:" for each that libcurl would add by itself. */
static struct status make_headers(const struct http_request *request, struct curl_slist **ret)
{
	static const char *const unasked[] = {"Accept", "Content-Type", "Expect"};

	for (size_t i = 0; i < request->header_count; i++) {
		const char *value = request->headers[i].value;

		/* "Name;" is libcurl's way to say: send it, with nothing in it. */
		TRY(add_header(ret, request->headers[i].name, *value != '\0' ? ": " : ";", value));
	}
	for (size_t i = 0; i < sizeof(unasked) / sizeof(unasked[0]); i++) {
		bool asked = false;

		for (size_t k = 0; k < request->header_count; k++)
			asked = asked || strcasecmp(request->headers[k].name, unasked[i]) == 0;
		if (!asked)
			TRY(add_header(ret, unasked[i], ":", ""));
	}
	return OK;
}

/*
 * These return 0, or something else when libcurl had no memory for its copy of a setting. Then nothing
 * may leave: without its CA file it would trust the system's, without its proxy use another.
 */
static int set_limits(CURL *curl, const struct http_request *request)
{
	int64_t connect = request->connect_timeout > 0 ? request->connect_timeout
						       : CONNECT_TIMEOUT_MS;

	int64_t whole = request->try_timeout, left;
	int failed = 0;

	if (request->deadline.clock != NULL) {
		left = deadline_left(request->deadline);
		if (whole == 0 || left < whole)
			whole = left > 0 ? left : 1; /* 0 would mean: for ever */
	}
	failed |= (int)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)whole); /* 0 = none */
	failed |= (int)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	/* Else libcurl waits, past every timeout, for its thread that asks a silent name server. */
	failed |= (int)curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	/* Addresses change while a Lambda is frozen. */
	failed |= (int)curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_CACHE_S);
	return failed;
}

/* OpenSSL decrypts into a buffer of its own, which it would keep as it is and free as it is. */
static CURLcode wipe_after_reading(CURL *curl, void *ssl_ctx, void *context)
{
	(void)curl, (void)context;
	SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

static int set_peer(const struct http *http, CURL *curl, const struct http_request *request)
{
	bool https = strncasecmp(request->url, "https:", 6) == 0;
	int failed = 0;

	failed |= (int)curl_easy_setopt(curl, CURLOPT_URL, request->url);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
					https ? "https" : "http,https");
	failed |= (int)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, wipe_after_reading);
	if (request->ca_file != NULL) {
		failed |= (int)curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
		failed |= (int)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	} else if (https && !http->whole_bundle && trust_folder() != NULL) {
		failed |= (int)curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
		failed |= (int)curl_easy_setopt(curl, CURLOPT_CAPATH, trust_folder());
	}
	if (request->bypass_proxy)
		failed |= (int)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	return failed;
}

static int set_request(CURL *curl, const struct http_request *request, struct curl_slist *headers)
{
	bool get = strcmp(request->method, "GET") == 0;
	int failed = 0;

	if (get) {
		failed |= (int)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	} else {
		failed |= (int)curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
						request->body != NULL ? request->body : "");
		failed |= (int)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
						(curl_off_t)request->body_length);
		failed |= (int)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	}
	failed |= (int)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_USERAGENT, "tandem/" TANDEM_VERSION);
	return failed;
}

/* libcurl's own words. Of a proxy's URL, which may hold a password, it repeats the whole. */
static const char *reason_of(const struct http *http, CURLcode result)
{
	bool usable = http->reason[0] != '\0' && strchr(http->reason, '@') == NULL &&
		      strstr(http->reason, "://") == NULL;

	return usable ? http->reason : curl_easy_strerror(result);
}

/* What libcurl's result means for whoever asked. */
static struct status explain(const struct http *http, const struct http_request *request,
			     CURLcode result, enum http_progress progress)
{
	const char *reason = reason_of(http, result);
	const char *host;
	int length;

	authority(request->url, &length, &host);
	if (strncmp(http->reason, "Unsupported proxy", strlen("Unsupported proxy")) == 0)
		return failure(STATUS_INVALID,
			       "%s at %.*s: the proxy to reach it through, from https_proxy, "
			       "http_proxy or all_proxy, is no URL that can be used: write it as "
			       "http://[user:password@]host:port",
			       request->what, length, host);
	switch (result) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return failure(STATUS_INVALID,
			       "%s at %.*s: its certificate cannot be verified: %s%s%s%s",
			       request->what, length, host, reason,
			       request->ca_setting != NULL ? "; set " : "",
			       request->ca_setting != NULL ? request->ca_setting : "",
			       request->ca_setting != NULL
				       ? " to a PEM file of the CA that signed it"
				       : "");
	case CURLE_UNSUPPORTED_PROTOCOL: /* the URL's; or what came is not HTTP/1 */
		if (progress != HTTP_NOT_SENT)
			break;
		[[fallthrough]];
	case CURLE_URL_MALFORMAT:
		return failure(STATUS_INVALID, "%s: the URL for %.*s is not valid: %s",
			       request->what, length, host, reason);
	case CURLE_OUT_OF_MEMORY:
		reason = "out of memory";
		break;
	case CURLE_ABORTED_BY_CALLBACK: /* before_sending() refused to send twice */
		reason = "the connection was closed before an answer came";
		break;
	default:
		break;
	}
	return failure(STATUS_UNAVAILABLE, "%s at %.*s %s: %s", request->what, length, host,
		       progress == HTTP_NOT_SENT ? "cannot be reached" : "did not answer", reason);
}

/* As curl_easy_perform() does it. */
static CURLcode transfer(CURLM *kept, CURL *curl)
{
	CURLcode result = CURLE_OUT_OF_MEMORY;
	const CURLMsg *message;
	int running = 1, left;

	if (curl_multi_add_handle(kept, curl) != CURLM_OK)
		return result;
	while (running > 0)
		if (curl_multi_perform(kept, &running) != CURLM_OK ||
		    (running > 0 && curl_multi_poll(kept, NULL, 0, POLL_MS, NULL) != CURLM_OK))
			break;
	message = curl_multi_info_read(kept, &left);
	if (message != NULL && message->msg == CURLMSG_DONE)
		result = message->data.result;
	curl_multi_remove_handle(kept, curl);
	return result;
}

/*
 * A fresh handle for each exchange: one that is used again remembers, in libcurl before 8.2, the last
 * answer's last header after it was freed, and adds the next answer to it if that begins with a space.
 */
static CURLcode perform(struct http *http, struct exchange *exchange, struct curl_slist *headers)
{
	CURL *curl = curl_easy_init();
	CURLcode result = CURLE_OUT_OF_MEMORY;
	int failed = 0;
	long status = 0;

	if (curl == NULL)
		return result;
	failed |= set_peer(http, curl, exchange->request);
	failed |= set_limits(curl, exchange->request);
	failed |= set_request(curl, exchange->request, headers);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, before_sending);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_PREREQDATA, exchange);
	failed |= (int)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->reason);
	http->reason[0] = '\0';
	if (failed == 0)
		result = transfer(http->kept, curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	exchange->status = (int)status;
	curl_easy_cleanup(curl);
	return result;
}

static struct status renew(struct http *http)
{
	CURLM *fresh;

	if (!http->spoiled)
		return OK;
	fresh = curl_multi_init();
	if (fresh == NULL)
		return OUT_OF_MEMORY;
	curl_multi_cleanup(http->kept);
	http->kept = fresh;
	http->spoiled = false;
	return OK;
}

static struct status run(struct http *http, struct exchange *exchange, struct curl_slist *headers)
{
	unsigned long failures = memory_failures();
	CURLcode result = perform(http, exchange, headers);
	const char *host;
	int length;

	/* Somebody may have added a CA to the bundle alone. Nothing has been sent. */
	if (result == CURLE_PEER_FAILED_VERIFICATION && exchange->request->ca_file == NULL &&
	    !http->whole_bundle && memory_failures() == failures) {
		http->whole_bundle = true;
		result = perform(http, exchange, headers);
	}
	/* For want of memory OpenSSL finds certificates invalid, now and later. */
	http->spoiled = memory_failures() != failures;
	if (result != CURLE_OK && memory_failures() != 0)
		result = CURLE_OUT_OF_MEMORY;
	exchange->response->progress = exchange->sent == 0 ? HTTP_NOT_SENT : HTTP_LOST;
	if (exchange->failed) {
		authority(exchange->request->url, &length, &host);
		return status_while(exchange->failed_with, "%s at %.*s", exchange->request->what,
				    length, host);
	}
	if (result != CURLE_OK)
		return explain(http, exchange->request, result, exchange->response->progress);
	/* After "HTTP/2 " libcurl reads any number, and may get a negative one. */
	if (exchange->status < 100 || exchange->status > 999) {
		authority(exchange->request->url, &length, &host);
		return failure(STATUS_UNAVAILABLE, "%s at %.*s did not answer with an HTTP status",
			       exchange->request->what, length, host);
	}
	exchange->response->status = exchange->status;
	exchange->response->progress = HTTP_ANSWERED;
	return OK;
}

struct status http_exchange(struct http *http, const struct http_request *request,
			    struct http_response *ret)
{
	AUTO(list_clear) struct curl_slist *headers = NULL;
	struct exchange exchange = {.request = request, .response = ret};
	const char *host;
	int length;

	http_response_clear(ret);
	ret->headers_ = BUFFER_INIT(HEADERS_LIMIT);
	ret->body = BUFFER_INIT(request->response_limit > 0 ? request->response_limit
							    : RESPONSE_LIMIT);
	authority(request->url, &length, &host);
	if (request->deadline.clock != NULL && deadline_left(request->deadline) == 0)
		return failure(STATUS_UNAVAILABLE, "%s at %.*s was not asked: no time is left",
			       request->what, length, host);
	TRY(renew(http));
	TRY(make_headers(request, &headers));
	return run(http, &exchange, headers);
}
