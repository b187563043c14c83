#include "server.h"

#include "aws.h"
#include "control.h"
#include "http.h"
#include "metadata.h"
#include "text.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 256
#define PEM_MAX 65536

struct server {
	struct sandbox *sandbox;
	struct MHD_Daemon *daemon;
	uint64_t connections; /* ever opened; under the sandbox's lock */
	char *key;
	char *certificate;
};

/* One request while it comes in. */
struct exchange {
	char *target; /* path and query as sent */
	bool begun;
	bool too_long;
	char *body;
	size_t length;
	size_t capacity;
};

static struct reply route(struct sandbox *sandbox, const struct request *request)
{
	const char *path = request->path;

	if (strcmp(path, "/") == 0 && strcmp(request->method, "POST") == 0)
		return aws_handle(sandbox, request);
	if (strncmp(path, "/sandbox/", 9) == 0)
		return control_handle(sandbox, request);
	if (strncmp(path, RUNTIME_PREFIX, strlen(RUNTIME_PREFIX)) == 0)
		return lambda_handle(sandbox, request);
	if (strncmp(path, "/latest/", 8) == 0)
		return metadata_handle(sandbox, request);
	if (strncmp(path, "/v2/credentials/", 16) == 0)
		return container_handle(sandbox, request);
	return reply_text(404, "text/plain", "Not Found\n");
}

/* What is left of an answer that is cut. */
struct cut_body {
	size_t length;
	char bytes[];
};

static ssize_t read_cut(void *source, uint64_t position, char *out, size_t size)
{
	const struct cut_body *body = source;
	size_t left = body->length - (size_t)position;

	if (left == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (size > left)
		size = left;
	memcpy(out, body->bytes + position, size);
	return (ssize_t)size;
}

/* Announces more than it sends, also where nothing is left to cut, and ends the connection. */
static struct MHD_Response *make_cut(const struct reply *reply)
{
	size_t length = reply->cut_after < reply->length ? reply->cut_after : reply->length;
	struct cut_body *body = allocate(sizeof(*body) + length);

	body->length = length;
	memcpy(body->bytes, reply->body, length);
	return MHD_create_response_from_callback(reply->length + 1, 4096, read_cut, body, free);
}

static struct MHD_Response *make_response(struct reply *reply)
{
	struct MHD_Response *response;

	if (reply->fate == REPLY_CUT)
		return must(make_cut(reply));
	response = must(
		MHD_create_response_from_buffer(reply->length, reply->body, MHD_RESPMEM_MUST_FREE));
	reply->body = NULL;
	return response;
}

static enum MHD_Result send_reply(struct sandbox *sandbox, struct MHD_Connection *connection,
				  struct reply *reply)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	char date[DATE_SIZE];

	if (reply->fate == REPLY_DROP)
		return MHD_NO;
	response = make_response(reply);
	date_http(sandbox_now(sandbox), date);
	MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, date);
	if (reply->content_type != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					reply->content_type);
	for (size_t i = 0; i < reply->header_count; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result keep_header(void *closure, enum MHD_ValueKind, const char *name,
				   const char *value)
{
	struct request *request = closure;

	if (request->header_count == REQUEST_HEADERS_MAX)
		return MHD_NO;
	request->headers[request->header_count++] = (struct header){
		.name = name, .value = value != NULL ? value : ""};
	return MHD_YES;
}

static uint64_t connection_number(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? (uint64_t)(uintptr_t)info->socket_context : 0;
}

static int connection_socket(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info != NULL ? info->connect_fd : -1;
}

static enum MHD_Result answer(struct sandbox *sandbox, struct MHD_Connection *connection,
			      const char *method, struct exchange *exchange)
{
	struct request request = {
		.method = method,
		.path = exchange->target,
		.query = "",
		.body = exchange->body != NULL ? exchange->body : "",
		.length = exchange->length,
		.connection = connection_number(connection),
		.socket = connection_socket(connection),
	};
	char *query = strchr(exchange->target, '?');
	struct reply reply;
	enum MHD_Result result;

	if (query != NULL) {
		*query = '\0';
		request.query = query + 1;
	}
	MHD_get_connection_values(connection, MHD_HEADER_KIND, keep_header, &request);
	pthread_mutex_lock(&sandbox->lock);
	if (exchange->too_long)
		reply = reply_text(413, "application/json",
				   "{\"errorMessage\":\"Exceeded maximum allowed payload size "
				   "(%d bytes).\",\"errorType\":\"RequestEntityTooLarge\"}",
				   BODY_MAX);
	else
		reply = route(sandbox, &request);
	result = send_reply(sandbox, connection, &reply);
	pthread_mutex_unlock(&sandbox->lock);
	reply_clear(&reply);
	return result;
}

static void keep_body(struct exchange *exchange, const char *data, size_t size)
{
	if (size > BODY_MAX - exchange->length) {
		exchange->too_long = true;
		return;
	}
	if (exchange->length + size + 1 > exchange->capacity) {
		exchange->capacity = 2 * (exchange->length + size + 1);
		exchange->body = must(realloc(exchange->body, exchange->capacity));
	}
	memcpy(exchange->body + exchange->length, data, size);
	exchange->length += size;
	exchange->body[exchange->length] = '\0';
}

static void *begin_exchange(void *, const char *target, struct MHD_Connection *)
{
	struct exchange *exchange = allocate(sizeof(*exchange));

	exchange->target = copy_text(target);
	return exchange;
}

static void end_exchange(void *, struct MHD_Connection *, void **context,
			 enum MHD_RequestTerminationCode)
{
	struct exchange *exchange = *context;

	if (exchange == NULL)
		return;
	free(exchange->target);
	free(exchange->body);
	free(exchange);
	*context = NULL;
}

/* libmicrohttpd calls this for the headers, for each piece of the body and at the end. */
static enum MHD_Result on_request(void *closure, struct MHD_Connection *connection, const char *,
				  const char *method, const char *, const char *data, size_t *size,
				  void **context)
{
	struct server *server = closure;
	struct exchange *exchange = *context;

	if (!exchange->begun) {
		exchange->begun = true;
		return MHD_YES;
	}
	if (*size > 0) {
		keep_body(exchange, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return answer(server->sandbox, connection, method, exchange);
}

static void on_connection(void *closure, struct MHD_Connection *, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct server *server = closure;
	struct sandbox *sandbox = server->sandbox;

	pthread_mutex_lock(&sandbox->lock);
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*context = (void *)(uintptr_t)++server->connections;
	else
		lambda_connection_closed(sandbox, (uint64_t)(uintptr_t)*context);
	pthread_mutex_unlock(&sandbox->lock);
}

static char *read_pem(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = allocate(PEM_MAX + 1);
	size_t length = file != NULL ? fread(text, 1, PEM_MAX, file) : 0;

	if (file != NULL)
		fclose(file);
	if (length > 0)
		return text;
	fprintf(stderr, "tandem-sandbox: cannot read %s\n", path);
	free(text);
	return NULL;
}

static bool read_tls(struct server *server)
{
	const struct options *options = &server->sandbox->options;

	if (options->tls_cert == NULL)
		return true;
	server->certificate = read_pem(options->tls_cert);
	server->key = read_pem(options->tls_key);
	return server->certificate != NULL && server->key != NULL;
}

static struct MHD_Daemon *start(struct server *server)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(server->sandbox->options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
			 MHD_USE_POLL | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
			 (server->key != NULL ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate},
		{MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR,
				&address, MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, server,
				MHD_OPTION_NOTIFY_COMPLETED, end_exchange, server,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
				MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_ARRAY,
				server->key != NULL ? tls : tls + 2, MHD_OPTION_END);
}

struct server *server_open(struct sandbox *sandbox)
{
	struct server *server = allocate(sizeof(*server));

	server->sandbox = sandbox;
	if (read_tls(server))
		server->daemon = start(server);
	if (server->daemon != NULL)
		return server;
	fprintf(stderr, "tandem-sandbox: cannot listen on 127.0.0.1:%u\n", sandbox->options.port);
	server_close(&server);
	return NULL;
}

uint16_t server_port(const struct server *server)
{
	return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void server_close(struct server **server)
{
	if (*server == NULL)
		return;
	if ((*server)->daemon != NULL)
		MHD_stop_daemon((*server)->daemon);
	if ((*server)->key != NULL)
		explicit_bzero((*server)->key, strlen((*server)->key));
	free((*server)->key);
	free((*server)->certificate);
	free(*server);
	*server = NULL;
}
