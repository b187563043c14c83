#include "clients/sql/drivers.h"

#include "clients/sql/mysql.h"
#include "clients/sql/postgres.h"

const struct database_driver *const sql_drivers[] = {
	&postgres_driver,
	&mysql_driver,
	&mariadb_driver,
	NULL,
};
