/*
 * What AWS says when it refuses, in JSON, XML or a gateway's page.
 *
 * Input: an answer as in answers.h.
 */
#include "answers.h"

#include "clients/aws/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.what = "AWS"};
	struct aws_error error;
	struct status status;

	answers_begin(INPUT(data, size));
	if (http_exchange(NULL, &request, &response).code != STATUS_OK)
		return 0;
	aws_error_read(&response, &error);
	REQUIRE(error.type[0] != '\0');
	REQUIRE(memchr(error.type, '\0', sizeof(error.type)) != NULL);
	REQUIRE(memchr(error.message, '\0', sizeof(error.message)) != NULL);
	/* A refused signature is explained with what was signed. */
	REQUIRE(error.class != AWS_ERROR_SIGNATURE || error.message[0] == '\0');
	status = aws_error_status(&error, "sts:AssumeRole", "arn:aws:iam::1:role/r", "somebody",
				  "eu-west-1");
	require_sound(status);
	REQUIRE(status.code == aws_error_code(&error) && status.code != STATUS_OK);
	return 0;
}
