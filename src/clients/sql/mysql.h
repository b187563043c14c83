/*
 * mysql: core/database.h for MySQL 5.7 and later, Aurora MySQL and MariaDB 10.4 and later, over
 * MySQL's C API (MariaDB's Connector/C, or libmysqlclient); also through RDS Proxy, where a session can
 * only be opened.
 *
 * Two rows in the table of engines, since their names may be of different lengths; which of the two a
 * server is, it says itself. The peer's certificate and name are always verified (TLS 1.2 at least)
 * unless the login says tls = false; a connection is TCP, whatever the host is called. Nothing but the
 * login decides how a session is made: open() removes the library's variables from the environment, and
 * no option file is read.
 *
 * No wait is longer than the deadline (clients/sql/watchdog.h). The server's words are never repeated:
 * they quote SQL, and so passwords. Its error number decides, and is in the message.
 *
 * put_user_like() lets a user that is there follow its model, in what it may and may not do. A user's
 * former password is kept besides the new one where MySQL has two and the session may do so.
 */
#ifndef CLIENTS_SQL_MYSQL_H
#define CLIENTS_SQL_MYSQL_H

#include "core/database.h"

extern const struct database_driver mysql_driver;
extern const struct database_driver mariadb_driver;

#endif
