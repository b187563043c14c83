#include "fake_server.h"

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct fake fake_listen(const char *address)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	socklen_t length = sizeof(name);
	struct fake fake = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	inet_pton(AF_INET, address, &name.sin_addr);
	assert_int_equal(bind(fake.listener, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fake.listener, 4), 0);
	assert_int_equal(getsockname(fake.listener, (struct sockaddr *)&name, &length), 0);
	fake.port = ntohs(name.sin_port);
	return fake;
}

bool fake_serves(struct fake *fake, int *ret)
{
	fake->pid = fork();
	assert_true(fake->pid >= 0);
	if (fake->pid > 0)
		return false;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	*ret = accept(fake->listener, NULL, NULL);
	return true;
}

size_t fake_receive(int client)
{
	char request[1024];
	ssize_t length = read(client, request, sizeof(request));

	return length > 0 ? (size_t)length : 0;
}

void fake_say(int client, const void *bytes, size_t length)
{
	if (write(client, bytes, length) != (ssize_t)length)
		_exit(1);
}

_Noreturn void fake_leave(int client)
{
	while (fake_receive(client) > 0)
		;
	_exit(0);
}

struct fake fake_silent(void)
{
	return fake_listen("127.0.0.1");
}

static void relay(int client, int server)
{
	struct pollfd ends[2] = {{.fd = client, .events = POLLIN},
				 {.fd = server, .events = POLLIN}};
	char bytes[4096];

	while (poll(ends, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t length;

			if (ends[i].revents == 0)
				continue;
			length = read(ends[i].fd, bytes, sizeof(bytes));
			if (length <= 0)
				return;
			fake_say(ends[1 - i].fd, bytes, (size_t)length);
		}
}

struct fake fake_relay(uint16_t port)
{
	struct fake fake = fake_listen("127.0.0.2");
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int client;

	if (fake_serves(&fake, &client)) {
		int server = socket(AF_INET, SOCK_STREAM, 0);

		inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
		if (connect(server, (struct sockaddr *)&to, sizeof(to)) == 0)
			relay(client, server);
		_exit(0);
	}
	return fake;
}

void fake_end(struct fake *fake)
{
	if (fake->pid > 0) {
		kill(fake->pid, SIGKILL);
		waitpid(fake->pid, NULL, 0);
	}
	close(fake->listener);
}

bool fake_end_unanswered(struct fake *fake)
{
	int status = 1;

	waitpid(fake->pid, &status, 0);
	fake->pid = 0;
	close(fake->listener);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
