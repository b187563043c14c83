/*
 * mysql_driver and mariadb_driver against a real server: tests/stack/with_stack.py --mariadb, or
 * --mysql, -- mysql_test
 */
#include "mysql_support.h"

#include "core/memory.h"

int main(void)
{
	memory_init();
	return run_login_tests() + run_users_tests() + run_clone_tests() + run_compare_tests();
}
