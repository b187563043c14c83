/*
 * placement: where passwords are changed, and whether the admin belongs there.
 *
 * Mostly the secrets say so themselves, and nobody is asked: both name one host. Where the admin
 * secret names none, because the database's operator manages it, its owner's tag does; where the two
 * name different hosts, or the application secret a reader, the directory says which writer is behind
 * them. A password goes only where its own secret, or that tag, leads: what stands in the application
 * secret chooses among these, it never adds one.
 *
 * Source: AWS's rotation templates, get_master_dict() and is_rds_replica_database().
 */
#ifndef STEPS_PLACEMENT_H
#define STEPS_PLACEMENT_H

#include "core/credential.h"
#include "core/plan.h"
#include "steps/rotation.h"

/*
 * Gives the plan its writer, if that is not where the application reads, and `admin` (NULL: there
 * is none) the host and port that its owner has: plan_check_admin() then sees hosts that agree, or
 * do not. INVALID: the hosts differ and the directory knows nothing of the application's, engines
 * differ, the owner is no database, or it is a reader and there is one user only. DENIED,
 * UNAVAILABLE, NOT_FOUND, INTERNAL: from the store or the directory, with what they were asked for.
 */
struct status placement_find(const struct rotation *, struct plan *, struct credential *admin);

/* The same where the admin secret, if there is one, is not read yet: it is read into `ret_admin`. */
struct status placement_read(const struct rotation *, struct plan *, struct stored *ret_admin);

#endif
