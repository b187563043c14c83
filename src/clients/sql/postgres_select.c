#include "clients/sql/postgres_select.h"

#include "clients/sql/postgres_error.h"

struct status postgres_select(struct postgres *session, const struct question *question,
			      PGresult **ret)
{
	AUTO(postgres_result_clear) PGresult *result = NULL;

	TRY(postgres_run(session, question->sql, question->parameter_count, question->parameters,
			 &result));
	if (postgres_sqlstate(result)[0] != '\0')
		return postgres_statement_error(session, postgres_sqlstate(result),
						question->doing);
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQnfields(result) != question->columns)
		return failure(STATUS_UNAVAILABLE,
			       "%s does not answer as PostgreSQL does (%s as '%s')", session->place,
			       question->doing, session->user);
	*ret = result;
	result = NULL;
	return OK;
}
