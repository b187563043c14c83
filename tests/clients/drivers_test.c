/* drivers: the values of "engine" and RDS_ENGINE, as AWS's templates and RDS itself write them. */
#include "test.h"

#include "clients/sql/drivers.h"

static void engine_of_each_name_has_its_driver(void **state)
{
	static const struct {
		const char *engine, *driver;
	} names[] = {
		{"postgres", "postgres"},  {"aurora-postgresql", "postgres"},
		{"mysql", "mysql"},	   {"aurora-mysql", "mysql"},
		{"mariadb", "mariadb"},	   {"Aurora-MySQL", "mysql"},
		{"aurora", NULL},	   {"oracle-ee", NULL},
		{"sqlserver-ex", NULL},	   {"postgres ", NULL},
		{"aurora-postgres", NULL}, {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct database_driver *driver = database_driver_find(sql_drivers,
									    names[i].engine);

		if (names[i].driver == NULL) {
			assert_null(driver);
			continue;
		}
		assert_non_null(driver);
		assert_string_equal(driver->engines[0], names[i].driver);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(engine_of_each_name_has_its_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
