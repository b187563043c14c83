/* secrets_manager writing: what is sent, sent again, looked up, and refused. */
#include "test.h"

#include "clients/scripted_manager.h"

static void stage_puts_the_value_as_pending(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("{\"password\":\"p\\u0001\"}");

	(void)state;
	SCRIPT({"PutSecretValue", 200, NULL, "{\"VersionId\":\"" TOKEN "\"}"});
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, NULL));
	assert_string_equal(sent(0, "ClientRequestToken"), TOKEN);
	assert_string_equal(sent(0, "SecretString"), secret_reveal(&value));
	assert_string_equal(sent(0, "VersionStages"), "[\"AWSPENDING\"]");
	assert_string_equal(sent(0, "RotationToken"), "");
}

static void stage_rotation_token_goes_to_the_application_secret_alone(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	rotation_token = secret_of("the-rotation-token-of-this-event-0001");
	SCRIPT({"PutSecretValue", 200, NULL, "{}"}, {"PutSecretValue", 200, NULL, "{}"},
	       {"PutSecretValue", 400, "InvalidParameterException",
		"bad the-rotation-token-of-this-event-0001"});
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, NULL));
	assert_string_equal(sent(0, "RotationToken"), "the-rotation-token-of-this-event-0001");
	assert_ok(store->ops->stage(store, "proxy", TOKEN, &value, NULL));
	assert_string_equal(sent(1, "RotationToken"), "");
	struct status status = store->ops->stage(store, "app", TOKEN, &value, NULL);
	assert_int_equal(status.code, STATUS_INVALID);
	assert_null(strstr(status.detail, "the-rotation-token"));
}

static void stage_throttled_put_is_sent_again_byte_for_byte(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 400, "ThrottlingException", ""},
	       {"PutSecretValue", 200, NULL, "{}"});
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, NULL));
	assert_string_equal(server.asked[0].body, server.asked[1].body);
}

static void stage_token_with_the_same_value_is_done(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 400, "ResourceExistsException", "already in use"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"v\"}"});
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, NULL));
	assert_string_equal(sent(1, "VersionId"), TOKEN);
}

static void stage_token_with_another_value_is_a_conflict(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 400, "ResourceExistsException", "already in use"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"w\"}"});
	assert_failed(store->ops->stage(store, "app", TOKEN, &value, NULL), STATUS_CONFLICT,
		      "another value");
}

/* It is there, so what misses it is a late read: NOT_FOUND would say that nobody put it. */
static void stage_token_whose_value_cannot_be_read_yet_is_a_conflict(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 400, "ResourceExistsException", "already in use"},
	       {"GetSecretValue", 400, "ResourceNotFoundException", "can't find"});
	assert_failed(store->ops->stage(store, "app", TOKEN, &value, NULL), STATUS_CONFLICT,
		      "cannot be read yet");
}

static void stage_lost_answer_is_read_before_it_is_sent_again(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 0, NULL, ""},
	       {"GetSecretValue", 400, "ResourceNotFoundException", "can't find"},
	       {"PutSecretValue", 0, NULL, ""},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"v\"}"});
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, NULL));
	assert_int_equal(server.count, 4);
}

static void stage_lost_answer_of_another_value_is_a_conflict(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 0, NULL, ""},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"w\"}"});
	assert_failed(store->ops->stage(store, "app", TOKEN, &value, NULL), STATUS_CONFLICT,
		      "another value");
}

#define CLAIMED "TANDEMCLAIMANT"
#define SEEN(version) (&(struct secret_labels){.current = OLD, .pending = version})

/* Of two that saw the same labels one gets AWSPENDING: only this call compares before it moves. */
static void stage_against_others_moves_the_label_from_where_it_was_seen(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 200, NULL, "{}"}, {"UpdateSecretVersionStage", 200, NULL, "{}"});
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, SEEN(OLD)));
	assert_string_equal(sent(0, "VersionStages"), "[\"" CLAIMED "\"]");
	assert_string_equal(sent(1, "VersionStage"), "AWSPENDING");
	assert_string_equal(sent(1, "MoveToVersionId"), TOKEN);
	assert_string_equal(sent(1, "RemoveFromVersionId"), OLD);
	stop(NULL);
	SCRIPT({"PutSecretValue", 200, NULL, "{}"}, {"UpdateSecretVersionStage", 200, NULL, "{}"});
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, SEEN("")));
	assert_string_equal(sent(1, "RemoveFromVersionId"), "");
}

static void stage_with_the_label_already_seen_is_one_call(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 200, NULL, "{}"});
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, SEEN(TOKEN)));
	assert_string_equal(sent(0, "VersionStages"), "[\"AWSPENDING\"]");
	assert_int_equal(server.count, 1);
}

#define LABELS(current, other)                                                               \
	{                                                                                    \
		"DescribeSecret", 200, NULL,                                                 \
			"{\"VersionIdsToStages\":{\"" current "\":[\"AWSCURRENT\"],\"" other \
			"\":[\"AWSPENDING\"]}}"                                              \
	}
#define MISPLACED                                                                                  \
	{                                                                                          \
		"UpdateSecretVersionStage", 400, "InvalidParameterException", "attached elsewhere" \
	}

static void stage_after_another_got_the_label_is_a_conflict(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 200, NULL, "{}"}, MISPLACED, LABELS(OLD, "stranger"));
	assert_failed(store->ops->stage(store, "app", TOKEN, &value, SEEN(OLD)), STATUS_CONFLICT,
		      "AWSPENDING of secret 'app' is on version 'stranger'");
}

static void stage_whose_claim_got_no_answer_looks_where_the_label_is(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 200, NULL, "{}"}, {"UpdateSecretVersionStage", 0, NULL, ""},
	       LABELS("x", OLD), {"UpdateSecretVersionStage", 0, NULL, ""}, LABELS("x", TOKEN));
	assert_ok(store->ops->stage(store, "app", TOKEN, &value, SEEN(OLD)));
	assert_int_equal(server.count, 5);
}

/* A try that died between the two calls left a value: it gets the label, and is the one to keep. */
static void stage_claims_for_the_value_that_is_there(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 400, "ResourceExistsException", "already in use"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"w\"}"},
	       {"UpdateSecretVersionStage", 200, NULL, "{}"});
	assert_failed(store->ops->stage(store, "app", TOKEN, &value, SEEN(OLD)), STATUS_CONFLICT,
		      "another value");
	assert_string_equal(sent(1, "VersionStage"), CLAIMED);
	assert_string_equal(sent(2, "MoveToVersionId"), TOKEN);
}

/* A version of years ago, under a token that somebody uses again, must not come back. */
static void stage_claims_nothing_for_a_value_whose_turn_is_over(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");

	(void)state;
	SCRIPT({"PutSecretValue", 400, "ResourceExistsException", "already in use"},
	       {"GetSecretValue", 400, "InvalidRequestException",
		"You provided a VersionStage that is not associated to the provided VersionId."});
	assert_failed(store->ops->stage(store, "app", TOKEN, &value, SEEN(OLD)), STATUS_CONFLICT,
		      "an old version under this token");
	assert_int_equal(server.count, 2);
}

static void promote_moves_the_label_from_where_it_was_read(void **state)
{
	(void)state;
	SCRIPT({"UpdateSecretVersionStage", 200, NULL, "{}"});
	assert_ok(store->ops->promote(store, "app", TOKEN, OLD));
	assert_string_equal(sent(0, "VersionStage"), "AWSCURRENT");
	assert_string_equal(sent(0, "MoveToVersionId"), TOKEN);
	assert_string_equal(sent(0, "RemoveFromVersionId"), OLD);
}

static void promote_refused_because_it_was_done_is_ok(void **state)
{
	(void)state;
	SCRIPT(MISPLACED, LABELS(TOKEN, "x"));
	assert_ok(store->ops->promote(store, "app", TOKEN, OLD));
}

static void promote_moved_by_somebody_else_is_a_conflict(void **state)
{
	(void)state;
	SCRIPT(MISPLACED, LABELS("stranger", TOKEN));
	assert_failed(store->ops->promote(store, "app", TOKEN, OLD), STATUS_CONFLICT, "stranger");
}

static void promote_without_the_version_is_not_found(void **state)
{
	(void)state;
	SCRIPT({"UpdateSecretVersionStage", 400, "ResourceNotFoundException", "can't find"},
	       LABELS(OLD, "x"));
	assert_failed(store->ops->promote(store, "app", TOKEN, OLD), STATUS_NOT_FOUND,
		      "can't find");
}

static void promote_lost_answer_is_looked_up(void **state)
{
	(void)state;
	SCRIPT({"UpdateSecretVersionStage", 0, NULL, ""}, LABELS(OLD, TOKEN),
	       {"UpdateSecretVersionStage", 0, NULL, ""}, LABELS(TOKEN, OLD));
	assert_ok(store->ops->promote(store, "app", TOKEN, OLD));
	assert_int_equal(server.count, 4);
}

/* What a captive portal, a proxy or a wrong endpoint may say with a 200: no label has moved. */
static void promote_answer_of_somebody_else_is_not_believed(void **state)
{
	static const char *const bodies[] = {"",   "<html></html>", "null", "[]",
					     "{}", "{\"ARN\":7}"};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		SCRIPT({"UpdateSecretVersionStage", 200, bare, bodies[i]});
		assert_failed(store->ops->promote(store, "app", TOKEN, OLD), STATUS_INVALID,
			      "reading the answer to UpdateSecretVersionStage on 'app'");
		if (i + 1 < sizeof(bodies) / sizeof(bodies[0]))
			stop(state);
	}
}

/* Nor is a gateway's page Secrets Manager saying that there is no such version. */
static void promote_refused_by_a_gateway_is_no_missing_version(void **state)
{
	(void)state;
	SCRIPT({"UpdateSecretVersionStage", 302, NULL, ""});
	assert_failed(store->ops->promote(store, "app", TOKEN, OLD), STATUS_INVALID,
		      "HTTP status 302");
}

static void promote_denied_stays_denied(void **state)
{
	(void)state;
	SCRIPT({"UpdateSecretVersionStage", 400, "AccessDeniedException", "no"});
	assert_failed(store->ops->promote(store, "app", TOKEN, OLD), STATUS_DENIED,
		      "secretsmanager:UpdateSecretVersionStage");
}

static void rotate_starts_under_the_token(void **state)
{
	(void)state;
	SCRIPT({"RotateSecret", 200, NULL, "{}"});
	assert_ok(store->ops->rotate(store, "app", TOKEN));
	assert_string_equal(sent(0, "ClientRequestToken"), TOKEN);
	assert_string_equal(sent(0, "RotateImmediately"), "true");
}

static void rotate_unfinished_one_says_what_to_do(void **state)
{
	(void)state;
	SCRIPT({"RotateSecret", 400, "InvalidRequestException",
		"A previous rotation isn't complete. That rotation will be reattempted."},
	       LABELS(OLD, ""));
	assert_failed(store->ops->rotate(store, "app", TOKEN), STATUS_CONFLICT,
		      "update-secret-version-stage");
}

static void rotate_without_a_function_is_invalid(void **state)
{
	(void)state;
	SCRIPT({"RotateSecret", 400, "InvalidRequestException",
		"No Lambda rotation function ARN is associated with this secret."});
	assert_failed(store->ops->rotate(store, "app", TOKEN), STATUS_INVALID,
		      "No Lambda rotation");
}

static void rotate_lost_answer_is_looked_up(void **state)
{
	(void)state;
	SCRIPT({"RotateSecret", 0, NULL, ""}, LABELS(OLD, TOKEN));
	assert_ok(store->ops->rotate(store, "app", TOKEN));
	assert_int_equal(server.count, 2);
}

/* The first answer was an error although it had begun: the second try finds its own rotation. */
static void rotate_that_finds_its_own_rotation_under_way_is_ok(void **state)
{
	(void)state;
	SCRIPT({"RotateSecret", 500, "InternalServiceError", ""},
	       {"RotateSecret", 400, "InvalidRequestException",
		"A previous rotation isn't complete. That rotation will be reattempted."},
	       LABELS(OLD, TOKEN));
	assert_ok(store->ops->rotate(store, "app", TOKEN));
	assert_int_equal(server.count, 3);
}

static void check_write_permitted_changes_nothing(void **state)
{
	struct secret_labels labels = {.current = TOKEN, .pending = TOKEN, .previous = OLD};

	(void)state;
	SCRIPT({"PutSecretValue", 400, "ResourceExistsException", "already in use"},
	       {"UpdateSecretVersionStage", 400, "ResourceNotFoundException", "can't find"});
	assert_ok(store->ops->check_write(store, "app", &labels));
	/* A version that has a value and is not pending, under the label it has. */
	assert_string_equal(sent(0, "ClientRequestToken"), OLD);
	assert_string_equal(sent(0, "VersionStages"), "[\"AWSPREVIOUS\"]");
	assert_string_not_equal(sent(1, "MoveToVersionId"), TOKEN);
	assert_string_not_equal(sent(1, "RemoveFromVersionId"), TOKEN);
}

static void check_write_names_the_missing_permission(void **state)
{
	struct secret_labels labels = {.current = OLD};

	(void)state;
	SCRIPT({"PutSecretValue", 400, "AccessDeniedException", "no"},
	       {"PutSecretValue", 400, "ResourceExistsException", "already in use"},
	       {"UpdateSecretVersionStage", 400, "AccessDeniedException", "no"});
	assert_failed(store->ops->check_write(store, "app", &labels), STATUS_DENIED,
		      "allow secretsmanager:PutSecretValue");
	assert_failed(store->ops->check_write(store, "app", &labels), STATUS_DENIED,
		      "allow secretsmanager:UpdateSecretVersionStage");
}

static void check_write_never_offers_a_value_to_a_pending_version(void **state)
{
	struct secret_labels both = {.current = TOKEN, .pending = TOKEN};
	struct secret_labels odd = {.current = OLD, .pending = TOKEN, .previous = TOKEN};
	const struct line moved = {"UpdateSecretVersionStage", 400, "InvalidParameterException",
				   "no such version"};

	(void)state;
	SCRIPT(moved, {"PutSecretValue", 400, "ResourceExistsException", "already in use"}, moved);
	assert_ok(store->ops->check_write(store, "app", &both));
	assert_ok(store->ops->check_write(store, "app", &odd));
	assert_string_equal(sent(1, "ClientRequestToken"), OLD);
	assert_string_equal(sent(1, "VersionStages"), "[\"AWSCURRENT\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stage_puts_the_value_as_pending),
		TEST(stage_rotation_token_goes_to_the_application_secret_alone),
		TEST(stage_throttled_put_is_sent_again_byte_for_byte),
		TEST(stage_token_with_the_same_value_is_done),
		TEST(stage_token_with_another_value_is_a_conflict),
		TEST(stage_token_whose_value_cannot_be_read_yet_is_a_conflict),
		TEST(stage_lost_answer_is_read_before_it_is_sent_again),
		TEST(stage_lost_answer_of_another_value_is_a_conflict),
		TEST(stage_against_others_moves_the_label_from_where_it_was_seen),
		TEST(stage_with_the_label_already_seen_is_one_call),
		TEST(stage_after_another_got_the_label_is_a_conflict),
		TEST(stage_whose_claim_got_no_answer_looks_where_the_label_is),
		TEST(stage_claims_for_the_value_that_is_there),
		TEST(stage_claims_nothing_for_a_value_whose_turn_is_over),
		TEST(promote_moves_the_label_from_where_it_was_read),
		TEST(promote_refused_because_it_was_done_is_ok),
		TEST(promote_moved_by_somebody_else_is_a_conflict),
		TEST(promote_without_the_version_is_not_found),
		TEST(promote_lost_answer_is_looked_up),
		TEST(promote_answer_of_somebody_else_is_not_believed),
		TEST(promote_refused_by_a_gateway_is_no_missing_version),
		TEST(promote_denied_stays_denied),
		TEST(rotate_starts_under_the_token),
		TEST(rotate_unfinished_one_says_what_to_do),
		TEST(rotate_without_a_function_is_invalid),
		TEST(rotate_lost_answer_is_looked_up),
		TEST(rotate_that_finds_its_own_rotation_under_way_is_ok),
		TEST(check_write_permitted_changes_nothing),
		TEST(check_write_names_the_missing_permission),
		TEST(check_write_never_offers_a_value_to_a_pending_version),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
