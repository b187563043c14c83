#include "clients/sql/mysql_early.h"

#include <mysql.h>

#ifdef MARIADB_PACKAGE_VERSION

#include <ma_pvio.h>
#include <pthread.h>
#include <sys/socket.h>

/* Exported since 3.0 and in no header. It keeps what it is given until the process ends. */
int ma_pvio_register_callback(my_bool on,
			      void (*callback)(int operation, MYSQL *, const unsigned char *bytes,
					       size_t size));

static _Thread_local bool over;

/*
 * After each write but TLS's own. The first one asks for TLS: the next byte must be TLS's, which reads
 * from the socket. Whatever was read ahead by then came too early.
 */
static void look(int operation, MYSQL *handle, const unsigned char *bytes, size_t size)
{
	const MARIADB_PVIO *line = handle->net.pvio;

	(void)bytes;
	(void)size;
	if (operation != PVIO_WRITE || line == NULL)
		return;
	over |= line->ctls != NULL;
	if (line->ctls == NULL && line->cache != NULL &&
	    line->cache_pos < line->cache + line->cache_size)
		(void)shutdown((int)mysql_get_socket(handle), SHUT_RDWR);
}

struct status mysql_early_watch(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool looking;

	over = false;
	pthread_mutex_lock(&lock);
	looking = looking || ma_pvio_register_callback(1, look) == 0;
	pthread_mutex_unlock(&lock);
	return looking ? OK : OUT_OF_MEMORY;
}

bool mysql_early_is_over(void)
{
	return over;
}

#else /* libmysqlclient reads no further than the packet it waits for */

struct status mysql_early_watch(void)
{
	return OK;
}

bool mysql_early_is_over(void)
{
	return false;
}

#endif
