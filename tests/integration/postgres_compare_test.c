/* Comparing what two users may do. */
#include "postgres_support.h"

int run_compare_tests(void)
{
	return 0;
}
