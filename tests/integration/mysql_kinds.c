#include "mysql_kinds.h"

#include "mysql_support.h"

#include <stdlib.h>

const struct kind kinds[] = {
	{.give = "GRANT SELECT, INSERT ON @(db).* TO @x", .named = "SELECT on `@(db)`.*"},
	{.give = "GRANT SELECT, INSERT ON @(db).* TO @x",
	 .named = "INSERT on `@(db)`.*",
	 .less = "GRANT SELECT ON @(db).* TO @x"},
	{.give = "GRANT ALL PRIVILEGES ON @(db).* TO @x", .named = "ALL PRIVILEGES on `@(db)`.*"},
	{.give = "GRANT ALL PRIVILEGES ON @(db).* TO @x",
	 .named = "ALL PRIVILEGES on `@(db)`.*",
	 .less = "GRANT SELECT, UPDATE ON @(db).* TO @x"},
	{.give = "GRANT SELECT ON @(db).* TO @x WITH GRANT OPTION",
	 .named = "GRANT OPTION on `@(db)`.*",
	 .less = "GRANT SELECT ON @(db).* TO @x"},
	{.give = "GRANT UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE VIEW,"
		 " SHOW VIEW, TRIGGER ON @(db).t TO @x",
	 .named = "DELETE on `@(db)`.`t`"},
	{.give = "GRANT ALL PRIVILEGES ON @(db).t TO @x WITH GRANT OPTION",
	 .named = "GRANT OPTION on `@(db)`.`t`",
	 .less = "GRANT ALL PRIVILEGES ON @(db).t TO @x"},
	{.give = "GRANT SELECT (a, b), UPDATE (b), INSERT ON @(db).t TO @x",
	 .named = "SELECT (`a`) on `@(db)`.`t`"},
	{.give = "GRANT SELECT (a, b) ON @(db).t TO @x",
	 .named = "SELECT (`b`) on `@(db)`.`t`",
	 .less = "GRANT SELECT (a) ON @(db).t TO @x"},
	{.give = "GRANT SELECT (a) ON @(db).t TO @x; GRANT INSERT ON @(db).t TO @x",
	 .named = "INSERT on `@(db)`.`t`",
	 .less = "GRANT SELECT (a) ON @(db).t TO @x"},
	{.give = "GRANT SELECT (`c,(\"'`), INSERT ON @(db).`o``d\"d '(x), TO ON x` TO @x",
	 .named = "SELECT (`c,(\"'`) on `@(db)`.`o``d\"d '(x), TO ON x`"},
	{.give = "GRANT SELECT ON `@(w)\\_%`.* TO @x", .named = "SELECT on `@(w)\\_%`.*"},
	{.give = "GRANT SELECT ON `@(q) ``'\"\\_%`.* TO @x",
	 .named = "SELECT on `@(q) ``'\"\\_%`.*"},
	{.give = "GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE @(db).p TO @x",
	 .named = "EXECUTE on PROCEDURE `@(db)`.`p`"},
	{.give = "GRANT EXECUTE ON FUNCTION @(db).f TO @x WITH GRANT OPTION",
	 .named = "GRANT OPTION on FUNCTION `@(db)`.`f`",
	 .less = "GRANT EXECUTE ON FUNCTION @(db).f TO @x"},
	{.give = "GRANT PROCESS, RELOAD, SHOW DATABASES, REPLICATION SLAVE ON *.* TO @x",
	 .named = "PROCESS on *.*"},
	{.give = "GRANT SELECT ON *.* TO @x WITH GRANT OPTION",
	 .named = "GRANT OPTION on *.*",
	 .less = "GRANT SELECT ON *.* TO @x"},
	{.give = "GRANT ALL PRIVILEGES ON *.* TO @x WITH GRANT OPTION", .named = "on *.*"},
	{.give = "GRANT ALL PRIVILEGES ON *.* TO @x",
	 .named = "on *.*",
	 .less = "GRANT INSERT, PROCESS ON *.* TO @x"},
	{.give = "GRANT SELECT ON *.* TO @x",
	 .named = "SELECT on *.*",
	 .less = "GRANT SELECT ON @(db).* TO @x",
	 .narrower = true},
	{.give = "GRANT SELECT ON @(db).* TO @x",
	 .named = "SELECT on `@(db)`.*",
	 .less = "GRANT SELECT ON @(db).t TO @x",
	 .narrower = true},
	{.give = "GRANT INSERT, SELECT ON @(db).t TO @x",
	 .named = "INSERT on `@(db)`.`t`",
	 .less = "GRANT SELECT (a), INSERT (b) ON @(db).t TO @x",
	 .narrower = true},
	{.give = "GRANT ALL PRIVILEGES ON *.* TO @x; GRANT PROXY ON 'admin'@'%' TO @x",
	 .named = "PROXY on `admin`@`%`",
	 .less = "GRANT ALL PRIVILEGES ON *.* TO @x"},
	{.give = "GRANT @(r1) TO @x; GRANT @(r2) TO @x", .named = "role `@(r1)`"},
	{.give = "GRANT @(r1) TO @x WITH ADMIN OPTION",
	 .named = "WITH ADMIN OPTION",
	 .less = "GRANT @(r1) TO @x"},
	{.give = "GRANT @(r1) TO @x; GRANT @(r2) TO @x; SET DEFAULT ROLE @(r1), @(r2) TO @x",
	 .named = "default role `@(r2)`",
	 .less = "GRANT @(r1) TO @x; GRANT @(r2) TO @x; SET DEFAULT ROLE @(r1) TO @x",
	 .server = MYSQL},
	{.give = "GRANT @(r1) TO @x; GRANT @(r2) TO @x; SET DEFAULT ROLE @(r1) FOR @x",
	 .named = "default role `@(r1)`",
	 .server = MARIADB},
	{.give = "GRANT @(r1) TO @x; GRANT @(r2) TO @x; SET DEFAULT ROLE @(r1) FOR @x",
	 .named = "default role `@(r1)`",
	 .less = "GRANT @(r1) TO @x; GRANT @(r2) TO @x; SET DEFAULT ROLE @(r2) FOR @x",
	 .server = MARIADB},
	{.give = "GRANT PROXY ON 'admin'@'%' TO @x", .named = "PROXY on `admin`@`%`"},
	{.give = "GRANT PROXY ON 'admin'@'%' TO @x WITH GRANT OPTION",
	 .named = "PROXY on `admin`@`%` WITH GRANT OPTION",
	 .less = "GRANT PROXY ON 'admin'@'%' TO @x"},
	{.give = "ALTER USER @x REQUIRE SSL", .named = "REQUIRE "},
	{.give = "ALTER USER @x REQUIRE X509", .named = "REQUIRE ", .no_login = true},
	{.give = "ALTER USER @x REQUIRE ISSUER '/C=SE/O=a b' AND SUBJECT '/CN=WITH MAX_QUERIES'"
		 " AND CIPHER 'AES'",
	 .named = "REQUIRE ",
	 .no_login = true},
	{.give = "ALTER USER @x WITH MAX_QUERIES_PER_HOUR 5000 MAX_UPDATES_PER_HOUR 6000"
		 " MAX_CONNECTIONS_PER_HOUR 7000 MAX_USER_CONNECTIONS 80",
	 .named = "MAX_UPDATES_PER_HOUR "},
	{.give = "ALTER USER @x REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 5000",
	 .named = "MAX_QUERIES_PER_HOUR ",
	 .less = "ALTER USER @x REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 50"},
	{.give = "ALTER USER @x WITH MAX_STATEMENT_TIME 12.5",
	 .named = "MAX_STATEMENT_TIME ",
	 .server = MARIADB},
	{.give = "GRANT BINLOG MONITOR, REPLICATION SLAVE ADMIN, SLAVE MONITOR ON *.* TO @x",
	 .named = "REPLICATION SLAVE ADMIN on *.*",
	 .server = MARIADB},
	{.give = "GRANT DELETE HISTORY, EVENT, LOCK TABLES ON @(db).* TO @x",
	 .named = "DELETE HISTORY on `@(db)`.*",
	 .server = MARIADB},
	{.give = "GRANT BACKUP_ADMIN, CONNECTION_ADMIN ON *.* TO @x",
	 .named = "BACKUP_ADMIN on *.*",
	 .server = MYSQL},
	{.give = "GRANT BACKUP_ADMIN, CLONE_ADMIN ON *.* TO @x WITH GRANT OPTION",
	 .named = "BACKUP_ADMIN on *.* WITH GRANT OPTION",
	 .less = "GRANT BACKUP_ADMIN ON *.* TO @x",
	 .server = MYSQL},
	{.give = "GRANT SELECT ON *.* TO @x WITH GRANT OPTION; GRANT BACKUP_ADMIN ON *.* TO @x",
	 .named = "BACKUP_ADMIN on *.*",
	 .server = MYSQL},
	{.give = "GRANT SELECT ON *.* TO @x WITH GRANT OPTION;"
		 " GRANT BACKUP_ADMIN ON *.* TO @x WITH GRANT OPTION",
	 .named = "GRANT OPTION on *.*",
	 .less = "GRANT SELECT, BACKUP_ADMIN ON *.* TO @x; GRANT BACKUP_ADMIN ON *.* TO @x WITH "
		 "GRANT OPTION",
	 .server = MYSQL},
	{.give = "GRANT SELECT, INSERT, UPDATE ON *.* TO @x; REVOKE INSERT, UPDATE ON @(db).*"
		 " FROM @x",
	 .named = "a partial revoke of INSERT on `@(db)`.*",
	 .less = "GRANT SELECT, INSERT, UPDATE ON *.* TO @x; REVOKE UPDATE ON @(db).* FROM @x",
	 .server = MYSQL},
	{.give = "GRANT SELECT, INSERT ON *.* TO @x; REVOKE INSERT ON @(db).* FROM @x",
	 .named = "SELECT on *.*",
	 .server = MYSQL},
	{.give = "GRANT SELECT ON *.* TO @x; REVOKE SELECT ON @(db).* FROM @x;"
		 " GRANT SELECT ON @(db).t TO @x",
	 .named = "SELECT on `@(db)`.`t`",
	 .less = "GRANT SELECT ON *.* TO @x; REVOKE SELECT ON @(db).* FROM @x",
	 .server = MYSQL},
};

const size_t kinds_count = sizeof(kinds) / sizeof(kinds[0]);

bool kind_is_for_this_server(const struct kind *kind)
{
	return kind->server == BOTH || (kind->server == MARIADB) == is_mariadb();
}

void make_objects(void)
{
	admin("CREATE TABLE @(db).t (a int, b int)");
	admin("CREATE TABLE @(db).`o``d\"d '(x), TO ON x` (`c,(\"'` int)");
	admin("CREATE PROCEDURE @(db).p() SELECT 1");
	admin("CREATE FUNCTION @(db).f() RETURNS int DETERMINISTIC RETURN 1");
	admin("CREATE ROLE @(r1), @(r2)");
	if (!is_mariadb())
		admin("SET GLOBAL partial_revokes = ON");
}

void give(const char *statements, char user)
{
	char *copy = statements != NULL ? strdup(statements) : NULL, *at = copy;

	for (char *x = copy; x != NULL && (x = strstr(x, "@x")) != NULL;)
		x[1] = user;
	while (at != NULL && *at != '\0') {
		char *end = strstr(at, "; ");

		if (end == NULL)
			end = at + strlen(at);
		admin_printf("%.*s", (int)(end - at), at);
		at = end + (*end != '\0' ? 2 : 0);
	}
	free(copy);
}
