#include "runtime/work_limit.h"

#include "runtime/cli.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static void give_up(int number)
{
	static const char words[] =
		"tandem: given up: it computed for longer than TANDEM_TIMEOUT allows. A server may "
		"have asked for endless work: look whether the hosts in the secret are the right "
		"ones, then run it again\n";

	(void)number;
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(EXIT_FAILED);
}

void work_limit_set(long seconds)
{
	const struct sigaction action = {.sa_handler = give_up};
	const struct rlimit limit = {.rlim_cur = (rlim_t)seconds, .rlim_max = (rlim_t)seconds + 1};

	/* Best effort: without it a command is as it was. */
	sigaction(SIGXCPU, &action, NULL);
	setrlimit(RLIMIT_CPU, &limit);
}
