/*
 * work_limit: the end of a command that computes for longer than it may take.
 *
 * Every wait has a deadline, and no computation of ours needs one. But libpq takes whatever number of
 * rounds of SCRAM a server asks for, up to two thousand million, and only comes back when it has done
 * them (RFC 5802 sets no bound, and libpq has no setting). A function has a timeout that ends that; a
 * command has nobody. Dying is safe at any moment: that is what the steps are made for.
 */
#ifndef RUNTIME_WORK_LIMIT_H
#define RUNTIME_WORK_LIMIT_H

/*
 * From now on the process may use so many seconds of the processor: as many as the deadline gives it,
 * so nothing that only waits is ever struck, nor one that was stopped and is continued. Then it says
 * so on stderr and exits with EXIT_FAILED. For the command line: once, for one command.
 */
void work_limit_set(long seconds);

#endif
