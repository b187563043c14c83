/* work_limit: what computes without end is ended, what waits is not. */
#include "test.h"

#include "runtime/cli.h"
#include "runtime/work_limit.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a child said on stderr until its end; its exit status. */
static int run_child(void (*work)(void), char *said, size_t size)
{
	int ends[2], status = -1;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		work_limit_set(1);
		work();
		_exit(EXIT_DONE);
	}
	close(ends[1]);
	while ((got = read(ends[0], said + length, size - 1 - length)) > 0)
		length += (size_t)got;
	said[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void compute(void)
{
	for (volatile unsigned long rounds = 0;; rounds++)
		;
}

static void wait_longer(void)
{
	nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
}

static void work_without_end_is_ended_and_says_so(void **state)
{
	char said[512];

	(void)state;
	assert_int_equal(run_child(compute, said, sizeof(said)), EXIT_FAILED);
	assert_non_null(strstr(said, "longer than TANDEM_TIMEOUT"));
}

static void wait_is_no_work(void **state)
{
	char said[512];

	(void)state;
	assert_int_equal(run_child(wait_longer, said, sizeof(said)), EXIT_DONE);
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_without_end_is_ended_and_says_so),
		cmocka_unit_test(wait_is_no_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
