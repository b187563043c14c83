/*
 * Comparing: is there anything that `model` may do and `user` may not?
 *
 * A role's rights reach it through the roles it inherits from, itself included. So only what was
 * granted to, or is owned by, a role that the model's sessions have and the user's lack can make a
 * difference; pg_shdepend lists exactly those objects by role. The cost follows the number of such
 * grants, not of tables, and is nothing for a user that starts its sessions as the model. System
 * catalogs need no exception: what everybody may do there is granted to PUBLIC.
 */
#include "clients/sql/postgres_operations.h"

#include "clients/sql/postgres_select.h"

#include <stdlib.h>
#include <string.h>

/* $1: the user, $2: the model, $3: how to ask "may it SET ROLE" (see how_to_ask_set). */
static const char comparison[] =
	/* One row: both roles, and what their sessions start as, by the settings' precedence. */
	"WITH roles AS ("
	" SELECT l.*, coalesce(("
	"   SELECT coalesce(e.oid, l.oid) FROM pg_db_role_setting s"
	"   CROSS JOIN unnest(s.setconfig) c(setting)"
	"   LEFT JOIN pg_roles e ON e.rolname = substr(c.setting, 6)"
	"   WHERE c.setting LIKE 'role=%' AND s.setrole IN (0, l.oid)"
	"   AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = "
	"current_database()))"
	"   AND (c.setting = 'role=none' OR pg_has_role(l.oid, e.oid, $3))"
	"   ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1), l.oid) AS starts_as"
	" FROM pg_roles l WHERE l.rolname IN ($1, $2)"
	"), pair AS ("
	" SELECT u.oid AS u, u.starts_as AS us, m.oid AS m, m.starts_as AS ms,"
	" u.rolsuper OR ue.rolsuper AS u_super, m.rolsuper OR me.rolsuper AS m_super,"
	" u.rolcreatedb OR ue.rolcreatedb AS u_createdb, m.rolcreatedb OR me.rolcreatedb AS "
	"m_createdb,"
	" u.rolcreaterole OR ue.rolcreaterole AS u_createrole,"
	" m.rolcreaterole OR me.rolcreaterole AS m_createrole,"
	" u.rolbypassrls OR ue.rolbypassrls AS u_bypassrls,"
	" m.rolbypassrls OR me.rolbypassrls AS m_bypassrls,"
	" u.rolreplication AS u_replication, m.rolreplication AS m_replication,"
	" u.rolcanlogin AS u_login, m.rolcanlogin AS m_login,"
	" u.rolconnlimit AS u_limit, m.rolconnlimit AS m_limit,"
	" coalesce(u.rolvaliduntil, 'infinity') AS u_until,"
	" coalesce(m.rolvaliduntil, 'infinity') AS m_until"
	" FROM roles u JOIN pg_roles ue ON ue.oid = u.starts_as,"
	" roles m JOIN pg_roles me ON me.oid = m.starts_as"
	" WHERE u.rolname = $1 AND m.rolname = $2"
	"), "
	/* What the model's sessions inherit and the user's do not. A superuser lacks nothing; that
	   a model is one is said in one word. */
	"lost AS ("
	" SELECT r.oid FROM pg_roles r, pair WHERE NOT u_super AND NOT m_super"
	" AND pg_has_role(ms, r.oid, 'USAGE') AND NOT pg_has_role(us, r.oid, 'USAGE')"
	"), held AS ("
	" SELECT * FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass"
	" AND refobjid IN (SELECT oid FROM lost)"
	" AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
	"), granted AS ("
	" SELECT h.classid, h.objid, h.objsubid, x.owner, a.grantee, c.relkind = 'S' AS "
	"is_sequence,"
	" a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS "
	"word"
	" FROM (SELECT DISTINCT classid, objid, objsubid FROM held WHERE deptype = 'a') h"
	" JOIN ("
	"  SELECT 'pg_class'::regclass AS class, oid, 0 AS sub, relowner AS owner, relacl AS acl"
	"  FROM pg_class"
	"  UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum, 0, attacl FROM pg_attribute"
	"  UNION ALL SELECT 'pg_database'::regclass, oid, 0, datdba, datacl FROM pg_database"
	"   WHERE datname = current_database()"
	"  UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspowner, nspacl FROM pg_namespace"
	"  UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proowner, proacl FROM pg_proc"
	"  UNION ALL SELECT 'pg_type'::regclass, oid, 0, typowner, typacl FROM pg_type"
	"  UNION ALL SELECT 'pg_language'::regclass, oid, 0, lanowner, lanacl FROM pg_language"
	"  UNION ALL SELECT 'pg_tablespace'::regclass, oid, 0, spcowner, spcacl FROM pg_tablespace"
	"  UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 0, srvowner, srvacl"
	"   FROM pg_foreign_server"
	"  UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, fdwowner, fdwacl"
	"   FROM pg_foreign_data_wrapper"
	" ) x ON x.class = h.classid AND x.oid = h.objid AND x.sub = h.objsubid"
	" LEFT JOIN pg_class c ON h.classid = 'pg_class'::regclass AND c.oid = h.objid"
	" CROSS JOIN aclexplode(x.acl) a"
	" WHERE a.grantee IN (SELECT oid FROM lost)"
	"), missing AS ("
	" SELECT 1 AS rank, v.word, NULL::oid AS classid, NULL::oid AS objid, NULL::int AS objsubid"
	" FROM pair, LATERAL (VALUES"
	"  ('SUPERUSER', m_super AND NOT u_super),"
	"  ('CREATEDB', m_createdb AND NOT u_createdb AND NOT u_super),"
	"  ('CREATEROLE', m_createrole AND NOT u_createrole AND NOT u_super),"
	"  ('BYPASSRLS', m_bypassrls AND NOT u_bypassrls AND NOT u_super),"
	"  ('REPLICATION', m_replication AND NOT u_replication AND NOT u_super),"
	"  ('LOGIN', m_login AND NOT u_login),"
	"  ('CONNECTION LIMIT ' || m_limit,"
	"   u_limit >= 0 AND (m_limit < 0 OR m_limit > u_limit)),"
	"  ('VALID UNTIL ' || m_until, m_until > u_until)"
	" ) v(word, lacks) WHERE v.lacks"
	" UNION ALL"
	" SELECT 2, CASE"
	"  WHEN pg_has_role(m, r.oid, $3) AND NOT pg_has_role(u, r.oid, $3) THEN 'membership in '"
	"  WHEN pg_has_role(ms, r.oid, 'USAGE') AND NOT pg_has_role(us, r.oid, 'USAGE')"
	"  THEN 'inherited membership in '"
	"  ELSE 'ADMIN OPTION on ' END || quote_ident(r.rolname), NULL, NULL, NULL"
	" FROM pg_roles r, pair"
	" WHERE NOT u_super AND NOT m_super AND r.oid NOT IN (u, m)"
	/* Not a role to be granted: its member is whoever owns the database, which is compared. */
	" AND r.rolname <> 'pg_database_owner'"
	" AND (pg_has_role(m, r.oid, $3) AND NOT pg_has_role(u, r.oid, $3)"
	"  OR pg_has_role(ms, r.oid, 'USAGE') AND NOT pg_has_role(us, r.oid, 'USAGE')"
	"  OR pg_has_role(m, r.oid, 'USAGE WITH ADMIN OPTION')"
	"   AND NOT pg_has_role(u, r.oid, 'USAGE WITH ADMIN OPTION'))"
	" UNION ALL"
	" SELECT 3, 'ownership of', h.classid, h.objid, h.objsubid FROM held h"
	" WHERE h.deptype = 'o'"
	" AND h.classid NOT IN ('pg_largeobject'::regclass, 'pg_default_acl'::regclass)"
	" AND (h.classid <> 'pg_database'::regclass"
	"  OR h.objid = (SELECT oid FROM pg_database WHERE datname = current_database()))"
	" AND NOT EXISTS (SELECT FROM pg_class t WHERE h.classid = 'pg_class'::regclass"
	"  AND t.oid = h.objid AND t.relpersistence = 't')"
	" UNION ALL"
	" SELECT 4, g.word || ' on', g.classid, g.objid, g.objsubid FROM granted g, pair"
	" WHERE g.grantee <> g.owner AND NOT CASE g.classid"
	"  WHEN 'pg_class'::regclass THEN CASE"
	"   WHEN g.objsubid <> 0"
	"   THEN has_column_privilege(us, g.objid, g.objsubid::smallint, g.word)"
	"   WHEN g.is_sequence THEN has_sequence_privilege(us, g.objid, g.word)"
	"   ELSE has_table_privilege(us, g.objid, g.word) END"
	"  WHEN 'pg_database'::regclass THEN has_database_privilege(us, g.objid, g.word)"
	"  WHEN 'pg_namespace'::regclass THEN has_schema_privilege(us, g.objid, g.word)"
	"  WHEN 'pg_proc'::regclass THEN has_function_privilege(us, g.objid, g.word)"
	"  WHEN 'pg_type'::regclass THEN has_type_privilege(us, g.objid, g.word)"
	"  WHEN 'pg_language'::regclass THEN has_language_privilege(us, g.objid, g.word)"
	"  WHEN 'pg_tablespace'::regclass THEN has_tablespace_privilege(us, g.objid, g.word)"
	"  WHEN 'pg_foreign_server'::regclass THEN has_server_privilege(us, g.objid, g.word)"
	"  ELSE has_foreign_data_wrapper_privilege(us, g.objid, g.word) END"
	" UNION ALL"
	" SELECT 5, 'access through', h.classid, h.objid, h.objsubid FROM held h"
	" JOIN pg_policy p ON h.classid = 'pg_policy'::regclass AND p.oid = h.objid, pair"
	" WHERE h.deptype = 'r' AND p.polpermissive AND NOT EXISTS ("
	"  SELECT FROM unnest(p.polroles) q(oid) WHERE pg_has_role(us, q.oid, 'USAGE'))"
	") "
	/* Names are looked up last, for the few that are shown. */
	"SELECT left(word || CASE WHEN classid IS NULL THEN '' ELSE ("
	"  SELECT CASE WHEN i.type IN ('table', 'view') THEN ' ' ELSE ' ' || i.type || ' ' END"
	"   || i.identity FROM pg_identify_object(classid, objid, objsubid) i) END, 120), total"
	" FROM (SELECT *, count(*) OVER () AS total FROM missing"
	"  ORDER BY rank, classid, objid, objsubid, word LIMIT 8) shown"
	" ORDER BY rank, classid, objid, objsubid, word";

/* Up to PostgreSQL 15 every member may SET ROLE; since 16 that is an option of the membership. */
static const char *how_to_ask_set(const struct postgres *session)
{
	return PQserverVersion(session->connection) >= 160000 ? "SET" : "MEMBER";
}

static struct status check_both_exist(struct postgres *session, const char *const *names)
{
	AUTO(postgres_result_clear) PGresult *strangers = NULL;
	const struct question question = {
		.doing = "looking up two users",
		.sql = "SELECT n FROM unnest(ARRAY[$1, $2]::name[]) n"
		       " WHERE n NOT IN (SELECT rolname FROM pg_roles)",
		.columns = 1,
		.parameter_count = 2,
		.parameters = names,
	};

	TRY(postgres_select(session, &question, &strangers));
	if (PQntuples(strangers) > 0)
		return failure(STATUS_NOT_FOUND, "there is no user '%s' at %s",
			       PQgetvalue(strangers, 0, 0), session->place);
	return OK;
}

/* Bytes: a status holds 764, and the rest of its sentence needs room too. */
#define LIST_SHOWN 360

/* As many as fit beside the rest of the sentence, and how many more there are. */
static struct status describe(PGresult *missing, struct buffer *list)
{
	long long total = strtoll(PQgetvalue(missing, 0, 1), NULL, 10);
	int row = 0;

	for (; row < PQntuples(missing); row++) {
		const char *word = PQgetvalue(missing, row, 0);

		if (list->length + strlen(word) > LIST_SHOWN && row > 0)
			break;
		TRY(buffer_printf(list, "%s%s", row > 0 ? ", " : "", word));
	}
	if (total > row)
		TRY(buffer_printf(list, " and %lld more", total - row));
	return OK;
}

struct status postgres_compare_users(struct database *database, const char *user,
				     struct database *of_model, const char *model)
{
	struct postgres *session = (struct postgres *)database;
	const char *const parameters[] = {user, model, how_to_ask_set(session)};
	AUTO(postgres_result_clear) PGresult *missing = NULL;
	AUTO(buffer_clear) struct buffer list = BUFFER_INIT(LIST_SHOWN + 1024);
	const struct question question = {
		.doing = "comparing two users",
		.sql = comparison,
		.columns = 2,
		.parameter_count = 3,
		.parameters = parameters,
	};

	(void)of_model; /* the catalogs show everybody's rights to everybody */
	TRY(postgres_check_name("user name", user));
	TRY(postgres_check_name("user name", model));
	TRY(postgres_manage(session));
	TRY(check_both_exist(session, parameters));
	TRY(postgres_select(session, &question, &missing));
	if (PQntuples(missing) == 0)
		return OK;
	TRY(describe(missing, &list));
	return failure(STATUS_INVALID,
		       "'%s' may not do what '%s' may at %s: missing %s; grant it, or make '%s' a "
		       "member of '%s' and let it start as that (ALTER ROLE ... SET role)",
		       user, model, session->place, buffer_string(&list), user, model);
}
