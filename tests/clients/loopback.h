/*
 * loopback: a scripted HTTP/1.1 server on 127.0.0.1 inside the test.
 *
 * A test gives one function that turns a request into an answer. Requests are kept, so that the
 * test can look at what really arrived. One thread, any number of connections.
 */
#ifndef TESTS_CLIENTS_LOOPBACK_H
#define TESTS_CLIENTS_LOOPBACK_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK_CONNECTIONS 8
#define LOOPBACK_REQUESTS 64

struct asked {
	char *text; /* the request as it came, NUL-terminated; owns all of it */
	char method[16];
	char target[1024];
	const char *body; /* inside `text` */
	int connection;	  /* which connection it came on, counted from 1 */
};

struct answer {
	int status;	     /* 0: close the connection without an answer */
	const char *headers; /* more header lines, each with its CRLF; or NULL */
	char body[4096];
	size_t cut; /* send only so many bytes of the whole, then close; 0 = all */
	bool close; /* close after the answer, without having said so */
	int delay_ms;
};

struct loopback {
	void (*respond)(struct loopback *, const struct asked *, struct answer *);
	struct asked asked[LOOPBACK_REQUESTS];
	int count;
	int connections;
	int port;
	char url[64]; /* http://127.0.0.1:port */
	int listener_, stop_[2];
	pthread_t thread_;
};

/* The value of a header of a request, copied to `ret`; "" when it is missing. */
static inline const char *asked_header(const struct asked *asked, const char *name, char *ret,
				       size_t size)
{
	const char *line = strstr(asked->text, "\r\n");
	size_t length = strlen(name);

	*ret = '\0';
	for (; line != NULL && line + 2 < asked->body - 2; line = strstr(line + 2, "\r\n")) {
		const char *start = line + 2;

		if (strncasecmp(start, name, length) == 0 && start[length] == ':') {
			start += length + 1;
			start += strspn(start, " ");
			snprintf(ret, size, "%.*s", (int)strcspn(start, "\r"), start);
		}
	}
	return ret;
}

/* Reads one whole request; false when the peer closed. */
static inline bool loopback_read(int socket, struct asked *ret)
{
	size_t used = 0, capacity = 128 * 1024, length = 0;
	char value[32];

	ret->text = calloc(1, capacity);
	ret->body = NULL;
	while (ret->body == NULL || used < (size_t)(ret->body - ret->text) + length) {
		ssize_t got = recv(socket, ret->text + used, capacity - used - 1, 0);

		if (got <= 0) {
			free(ret->text);
			ret->text = NULL;
			return false;
		}
		used += (size_t)got;
		ret->text[used] = '\0';
		if (ret->body == NULL && strstr(ret->text, "\r\n\r\n") != NULL) {
			ret->body = strstr(ret->text, "\r\n\r\n") + 4;
			length = strtoul(asked_header(ret, "content-length", value, sizeof(value)),
					 NULL, 10);
		}
	}
	sscanf(ret->text, "%15s %1023s", ret->method, ret->target);
	return true;
}

/* Answers one request; false when the connection is to be closed. */
static inline bool loopback_serve(struct loopback *server, int socket, int connection)
{
	struct asked *asked = &server->asked[server->count];
	struct answer answer = {.status = 200};
	char whole[8192];
	int length;

	if (server->count == LOOPBACK_REQUESTS || !loopback_read(socket, asked))
		return false;
	asked->connection = connection;
	server->count++;
	server->respond(server, asked, &answer);
	usleep((useconds_t)answer.delay_ms * 1000);
	if (answer.status == 0)
		return false;
	length = snprintf(whole, sizeof(whole), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s",
			  answer.status, strlen(answer.body),
			  answer.headers != NULL ? answer.headers : "", answer.body);
	if (answer.cut > 0 && (int)answer.cut < length)
		length = (int)answer.cut;
	return send(socket, whole, (size_t)length, MSG_NOSIGNAL) == length && answer.cut == 0 &&
	       !answer.close;
}

static inline void *loopback_run(void *context)
{
	struct loopback *server = context;
	struct pollfd polled[2 + LOOPBACK_CONNECTIONS] = {
		{.fd = server->stop_[0], .events = POLLIN},
		{.fd = server->listener_, .events = POLLIN}};
	int number[2 + LOOPBACK_CONNECTIONS] = {0};

	for (int i = 2; i < 2 + LOOPBACK_CONNECTIONS; i++)
		polled[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	while (poll(polled, 2 + LOOPBACK_CONNECTIONS, -1) > 0 && polled[0].revents == 0) {
		for (int i = 2; i < 2 + LOOPBACK_CONNECTIONS; i++) {
			if (polled[i].fd == -1 || polled[i].revents == 0)
				continue;
			if (loopback_serve(server, polled[i].fd, number[i]))
				continue;
			close(polled[i].fd);
			polled[i].fd = -1;
		}
		for (int i = 2; polled[1].revents != 0 && i < 2 + LOOPBACK_CONNECTIONS; i++) {
			if (polled[i].fd != -1)
				continue;
			polled[i].fd = accept(server->listener_, NULL, NULL);
			polled[i].revents = 0;
			number[i] = ++server->connections;
			break;
		}
	}
	for (int i = 2; i < 2 + LOOPBACK_CONNECTIONS; i++)
		if (polled[i].fd != -1)
			close(polled[i].fd);
	return NULL;
}

static inline void loopback_start(struct loopback *server,
				  void (*respond)(struct loopback *, const struct asked *,
						  struct answer *))
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	*server = (struct loopback){.respond = respond};
	server->listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server->listener_, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(server->listener_, 8) != 0 || pipe(server->stop_) != 0 ||
	    getsockname(server->listener_, (struct sockaddr *)&address, &size) != 0)
		abort();
	server->port = ntohs(address.sin_port);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", server->port);
	if (pthread_create(&server->thread_, NULL, loopback_run, server) != 0)
		abort();
}

static inline void loopback_stop(struct loopback *server)
{
	if (write(server->stop_[1], "x", 1) != 1)
		abort();
	pthread_join(server->thread_, NULL);
	close(server->listener_);
	close(server->stop_[0]);
	close(server->stop_[1]);
	for (int i = 0; i < server->count; i++)
		free(server->asked[i].text);
}

#endif
