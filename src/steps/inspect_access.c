/* What check tries besides: where the admin is needed, and the permissions to write. */
#include "steps/look.h"
#include "steps/placement.h"

/* As in setSecret: where the application does not log in itself, the active user has to first. */
static struct status log_in_at_writer(struct look *look, struct credential *admin)
{
	const struct credential *active = &look->current.credential;
	AUTO(database_close) struct database *db = NULL;

	TRY(placement_find(look->rotation, &look->plan, admin));
	if (admin != NULL)
		TRY(plan_check_admin(&look->plan, admin));
	if (look->plan.writer.host == NULL)
		return OK;
	return status_while(look_log_in(look, &look->plan.writer, active->username,
					&active->password, &db),
			    "logging in as '%s' where %s is written", active->username,
			    look->plan.logins[0].host);
}

static void look_at_admin(struct look *look)
{
	const struct rotation *rotation = look->rotation;
	const struct plan *plan = &look->plan;
	AUTO(stored_clear) struct stored admin = STORED_INIT;
	AUTO(database_close) struct database *db = NULL;
	struct status tried;

	if (plan->admin_secret_id == NULL) {
		tried = log_in_at_writer(look, NULL);
		if (tried.code != STATUS_OK)
			look_add_failure(look, "writer", plan->logins[0].host, plan->active_user,
					 tried);
		return;
	}
	if (!look->active_works) {
		/* As in setSecret: a host that refuses the active user may not be our database. */
		inspection_add(look->result, "admin", plan->admin_secret_id, NULL, FINDING_WARNING,
			       "not tried", "'%s' does not log in there, so the admin is not sent",
			       plan->active_user);
		return;
	}
	tried = rotation_get(rotation, plan->admin_secret_id, STAGE_CURRENT, &admin);
	if (tried.code == STATUS_OK)
		tried = log_in_at_writer(look, &admin.credential);
	if (tried.code == STATUS_OK)
		tried = look_log_in_kept(look, &admin.credential, "the admin secret", &db);
	if (tried.code != STATUS_OK)
		look_add_failure(look, "admin", plan->admin_secret_id, admin.credential.username,
				 tried);
	else
		inspection_add(look->result, "admin", plan->admin_secret_id,
			       admin.credential.username, FINDING_GOOD, "works", "at %s:%u",
			       plan_writer(plan)->host, plan_writer(plan)->port);
}

static void look_at_write_access(struct look *look, const char *id,
				 const struct secret_labels *labels)
{
	const struct rotation *rotation = look->rotation;
	struct status asked = rotation->store->ops->check_write(rotation->store, id, labels);

	if (asked.code != STATUS_OK)
		look_add_failure(look, "permission", id, NULL, asked);
	else
		inspection_add(look->result, "permission", id, NULL, FINDING_GOOD, "may write",
			       "%s", "");
}

static void look_at_permissions(struct look *look)
{
	const struct rotation *rotation = look->rotation;

	look_at_write_access(look, rotation->secret_id, &look->labels);
	for (size_t i = 0; i < look->plan.proxy_secret_count; i++) {
		const char *id = look->plan.proxy_secret_ids[i];
		AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
		struct status described = rotation->store->ops->describe(rotation->store, id,
									 &labels);

		if (described.code != STATUS_OK)
			look_add_failure(look, "permission", id, NULL, described);
		else
			look_at_write_access(look, id, &labels);
		if (labels.rotation_enabled)
			inspection_add(
				look->result, "copy", id, NULL, FINDING_BAD, "rotated twice",
				"this proxy secret has a rotation of its own, which would change "
				"its password behind Tandem's back: cancel it");
	}
}

void look_at_access(struct look *look)
{
	look_at_admin(look);
	look_at_permissions(look);
}
