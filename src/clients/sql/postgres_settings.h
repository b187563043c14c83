/*
 * postgres_settings: one role's settings (ALTER ROLE … SET …), written down for another role.
 *
 * Internal to clients/sql/postgres*.
 */
#ifndef CLIENTS_SQL_POSTGRES_SETTINGS_H
#define CLIENTS_SQL_POSTGRES_SETTINGS_H

#include "clients/sql/postgres_session.h"

/*
 * Appends "; ALTER ROLE … SET …" to `script` for everything set for `model`, in all databases and
 * in single ones. INVALID: more than `script` holds.
 */
struct status postgres_append_settings(struct postgres *, struct buffer *script, const char *user,
				       const char *model);

#endif
