#include "clients/sql/addresses.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>
#include <sys/socket.h>

static void shorten_name_lookup(struct deadline deadline)
{
	int64_t seconds;

	/* res_init() would keep what an earlier lookup shortened; and glibc, finding what it keeps
	 * unchanged then, would go back to its own ten seconds. */
	_res.retrans = RES_TIMEOUT;
	_res.retry = RES_DFLRETRY;
	if (res_init() != 0)
		return;
	seconds = deadline_left(deadline) / 2000 / (_res.nscount > 0 ? _res.nscount : 1);
	_res.retry = 1;
	if (seconds < _res.retrans)
		_res.retrans = seconds > 0 ? (int)seconds : 1;
}

struct status addresses_find(const char *host, struct deadline deadline, struct addresses *ret)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addresses found = {0};
	struct addrinfo *list = NULL;
	int error;

	shorten_name_lookup(deadline);
	error = getaddrinfo(host, NULL, &hints, &list);
	if (error != 0)
		return failure(
			STATUS_UNAVAILABLE,
			"the host name '%.253s' cannot be resolved (%s): correct it, or mend "
			"DNS",
			host, gai_strerror(error));
	for (const struct addrinfo *at = list; at != NULL && found.count < ADDRESSES_MAX;
	     at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, found.numeric[found.count],
				sizeof(found.numeric[0]), NULL, 0, NI_NUMERICHOST) == 0)
			found.count++;
	freeaddrinfo(list);
	if (found.count == 0)
		return failure(STATUS_UNAVAILABLE, "the host name '%.253s' has no usable address",
			       host);
	*ret = found;
	return OK;
}
