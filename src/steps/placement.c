#include "steps/placement.h"

#include "core/fields.h"

#include <strings.h>

static bool same_host(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

/* No tag, no change: plan_check_admin() then says what is missing. */
static struct status ask_owner(const struct rotation *rotation, const struct plan *plan,
			       struct credential *admin)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	const char *id = plan->admin_secret_id;
	struct place place;

	TRY_WHILE(rotation->store->ops->describe(rotation->store, id, &labels),
		  "reading in its tags which database the admin secret '%s', which names no "
		  "\"host\", is for",
		  id);
	if (labels.owner == NULL)
		return OK;
	TRY_WHILE(rotation->directory->ops->find(rotation->directory, labels.owner, &place),
		  "looking up where '%s' is, the database of the admin secret '%s'", labels.owner,
		  id);
	TRY(plan_check_engine(plan, &place, rotation->drivers));
	return credential_set_place(admin, place.host, place.port);
}

/* What the admin secret names, after its owner was asked; NULL: nothing. Inside `admin`. */
static struct status find_admin_host(const struct rotation *rotation, const struct plan *plan,
				     struct credential *admin, const char **ret)
{
	TRY_WHILE(field_text(admin, "host", "database_host", NULL, ret), "the admin secret '%s'",
		  plan->admin_secret_id);
	if (*ret != NULL || plan->host_is_set_here)
		return OK;
	TRY(ask_owner(rotation, plan, admin));
	return field_text(admin, "host", "database_host", NULL, ret);
}

/*
 * The admin may be kept for another address of the same writer: a cluster's instance, say, and the
 * application's for the cluster. Then its password goes to the writer's own.
 */
static struct status join_admin(const struct rotation *rotation, const struct place *writer,
				const char *host, struct credential *admin)
{
	struct place place;
	struct status found;

	if (same_host(host, writer->host))
		return OK;
	found = rotation->directory->ops->find_writer(rotation->directory, host, &place);
	if (found.code == STATUS_NOT_FOUND)
		return OK;
	TRY_WHILE(found, "looking up whether %s, the admin's host, and %s are the same database",
		  host, writer->host);
	if (!same_host(place.host, writer->host))
		return OK;
	return credential_set_place(admin, writer->host, writer->port);
}

/* Nobody's: then the two hosts are all that is known, and they differ. */
static struct status explain_miss(const struct plan *plan, const char *admin_host,
				  struct status missed)
{
	const char *host = plan->logins[0].host;

	if (admin_host == NULL || same_host(admin_host, host))
		return status_while(missed, "looking up whether %s is a reader, as its name says",
				    host);
	return failure(
		STATUS_INVALID,
		"the admin secret '%s' is for %s, the secret under rotation for %s: looking up "
		"whether this is a reader of that, %s; its password will not be sent there",
		plan->admin_secret_id, admin_host, host, missed.detail);
}

/* With one user the application would be refused for as long as the reader is late. */
static struct status check_ring(const struct plan *plan, const struct place *writer)
{
	if (!plan_has_one_user(plan))
		return OK;
	return failure(
		STATUS_INVALID,
		"%s is a reader of %s: the password of one user alone is not changed behind a "
		"reader; name the writer as \"host\", or let two users take turns",
		plan->logins[0].host, writer->host);
}

struct status placement_find(const struct rotation *rotation, struct plan *plan,
			     struct credential *admin)
{
	struct directory *directory = rotation->directory;
	const char *host = plan->logins[0].host, *admin_host = NULL;
	struct place writer;
	struct status found;

	if (admin != NULL)
		TRY(find_admin_host(rotation, plan, admin, &admin_host));
	if ((admin_host == NULL || same_host(admin_host, host)) &&
	    !directory->ops->names_reader(host))
		return OK;
	found = directory->ops->find_writer(directory, host, &writer);
	if (found.code == STATUS_NOT_FOUND)
		return explain_miss(plan, admin_host, found);
	TRY_WHILE(found, "looking up whether %s, where the application logs in, is a reader of %s",
		  host, admin_host != NULL ? admin_host : "another");
	TRY(plan_check_engine(plan, &writer, rotation->drivers));
	if (!same_host(writer.host, host)) {
		TRY(check_ring(plan, &writer));
		TRY(plan_set_writer(plan, &writer));
	}
	return admin_host == NULL ? OK : join_admin(rotation, &writer, admin_host, admin);
}

struct status placement_read(const struct rotation *rotation, struct plan *plan,
			     struct stored *ret_admin)
{
	if (plan->admin_secret_id == NULL)
		return placement_find(rotation, plan, NULL);
	TRY_WHILE(rotation_get(rotation, plan->admin_secret_id, STAGE_CURRENT, ret_admin),
		  "reading the admin secret");
	return placement_find(rotation, plan, &ret_admin->credential);
}
