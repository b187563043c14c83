/*
 * mysql_early: what was said before TLS is not taken for said inside it; and whether TLS was agreed.
 *
 * Internal to clients/sql/mysql*. MariaDB's Connector/C reads ahead: what comes together with the
 * greeting, in clear and from whoever is on the way, it takes for the server's answers to the login and
 * to questions inside TLS (seen in 3.3.20). So whoever is on the way could make up a login that never
 * took place, and rows. The connection is broken off instead, before a password is proven.
 */
#ifndef CLIENTS_SQL_MYSQL_EARLY_H
#define CLIENTS_SQL_MYSQL_EARLY_H

#include "core/status.h"

#include <stdbool.h>

/* Before each connection. UNAVAILABLE: out of memory. */
struct status mysql_early_watch(void);

/*
 * Something was said inside TLS since this thread's last mysql_early_watch(): what fails then is the
 * line's fault, and no longer a certificate's or a setting's. False also where nobody can tell.
 */
bool mysql_early_is_over(void);

#endif
