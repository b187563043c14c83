/*
 * drivers: every database engine this program can rotate. A new engine is one new row.
 */
#ifndef CLIENTS_SQL_DRIVERS_H
#define CLIENTS_SQL_DRIVERS_H

#include "core/database.h"

/* NULL-terminated: for database_driver_find(). */
extern const struct database_driver *const sql_drivers[];

#endif
