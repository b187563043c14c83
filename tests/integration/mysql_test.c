/*
 * mysql_driver and mariadb_driver against a real server: tests/stack/with_stack.py --mariadb, or
 * --mysql, -- mysql_test
 */
#include "mysql_support.h"

#include "core/memory.h"

#include <mysql.h>

int main(void)
{
	int failed;

	memory_init();
	failed = run_login_tests() + run_users_tests() + run_clone_tests() + run_compare_tests();
	mysql_library_end(); /* what the library keeps for the next session is no leak */
	return failed;
}
