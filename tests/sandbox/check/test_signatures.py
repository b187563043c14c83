"""Signatures: what botocore signs is accepted, and every way of spoiling it is refused."""

import re

from .harness import ACCESS_KEY, SandboxTest


class Signatures(SandboxTest):
    def answer(self, request):
        status, body = self.sandbox.raw(request)
        return status, body["__type"], body["message"]

    def request(self, **how):
        return self.sandbox.signed("ListSecrets", {}, **how)

    def assert_mismatch(self, request):
        status, kind, message = self.answer(request)
        self.assertEqual((status, kind), (400, "InvalidSignatureException"))
        self.assertIn("does not match the signature you provided", message)

    def test_good_signature_is_accepted(self):
        self.assertEqual(self.sandbox.raw(self.request()), (200, {"SecretList": []}))

    def test_headers_are_trimmed_and_joined(self):
        request = self.request(headers={"X-Amz-Meta": "  a   b  "})
        self.assertEqual(self.sandbox.raw(request)[0], 200)

    def test_no_authorization_is_refused(self):
        request = self.request()
        del request.headers["Authorization"]
        self.assertEqual(self.answer(request), (400, "MissingAuthenticationTokenException",
                                                "Missing Authentication Token"))

    def test_half_an_authorization_is_refused(self):
        request = self.request()
        for text in ("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request", "Bearer x",
                     request.headers["Authorization"].replace("aws4_request", "aws3_request")):
            request.headers.replace_header("Authorization", text)
            self.assertEqual(self.answer(request)[:2], (400, "IncompleteSignatureException"))

    def test_other_secret_key_is_refused(self):
        self.assert_mismatch(self.request(secret_key="another"))

    def test_unknown_access_key_is_refused(self):
        self.assertEqual(self.answer(self.request(access_key="AKIANOBODY")),
                         (400, "UnrecognizedClientException",
                          "The security token included in the request is invalid."))

    def test_session_token_nobody_issued_is_refused(self):
        request = self.request(headers={"X-Amz-Security-Token": "made up"})
        self.assertEqual(self.answer(request)[1], "UnrecognizedClientException")

    def test_changed_body_is_refused(self):
        request = self.request()
        request.data = b'{ }'
        self.assert_mismatch(request)

    def test_changed_header_is_refused(self):
        request = self.request()
        request.headers.replace_header("X-Amz-Target", "secretsmanager.CreateSecret")
        self.assert_mismatch(request)

    def test_changed_signature_is_refused(self):
        request = self.request()
        text = request.headers["Authorization"]
        request.headers.replace_header("Authorization",
                                       text[:-1] + ("0" if text[-1] != "0" else "1"))
        self.assert_mismatch(request)

    def test_unsigned_amz_header_is_refused(self):
        request = self.request()
        request.headers["X-Amz-Extra"] = "1"
        status, kind, message = self.answer(request)
        self.assertEqual((status, kind), (400, "InvalidSignatureException"))
        self.assertIn("not signed: X-Amz-Extra", message)

    def test_unsigned_host_is_refused(self):
        request = self.request()
        request.headers.replace_header(
            "Authorization", re.sub(r"host;", "", request.headers["Authorization"]))
        self.assertIn("'Host'", self.answer(request)[2])

    def test_signed_header_that_is_not_sent_is_refused(self):
        request = self.request(headers={"X-Amz-Meta": "a"})
        del request.headers["X-Amz-Meta"]
        self.assert_mismatch(request)

    def test_unsorted_signed_headers_are_refused(self):
        request = self.request()
        text = request.headers["Authorization"].replace("content-type;host", "host;content-type")
        self.assertNotEqual(text, request.headers["Authorization"])
        request.headers.replace_header("Authorization", text)
        self.assert_mismatch(request)

    def test_wrong_content_hash_is_refused(self):
        request = self.request(headers={"X-Amz-Content-SHA256": "0" * 64})
        self.assertEqual(self.answer(request), (
            400, "InvalidSignatureException",
            "The value of x-amz-content-sha256 is not the hash of the body."))

    def test_scope_of_another_region_or_service_is_refused(self):
        self.assertEqual(self.answer(self.request(region="us-east-1")),
                         (400, "InvalidSignatureException",
                          "Credential should be scoped to a valid region, not 'us-east-1'."))
        self.assertEqual(self.answer(self.request(service="sts")),
                         (400, "InvalidSignatureException",
                          "Credential should be scoped to correct service: 'secretsmanager'."))

    def test_clock_five_minutes_off_is_refused(self):
        for offset, words in ((301, "Signature expired"), (-302, "Signature not yet current")):
            self.sandbox.set(clock_offset_s=offset)
            status, kind, message = self.answer(self.request())
            self.assertEqual((status, kind), (400, "InvalidSignatureException"))
            self.assertIn(words, message)
        for offset in (295, -295):
            self.sandbox.set(clock_offset_s=offset)
            self.assertEqual(self.sandbox.raw(self.request())[0], 200)

    def test_scope_date_must_be_the_request_date(self):
        request = self.request()
        request.headers.replace_header("Authorization", re.sub(
            rf"{ACCESS_KEY}/\d{{8}}", f"{ACCESS_KEY}/20200101", request.headers["Authorization"]))
        self.assertIn("Date in Credential scope does not match", self.answer(request)[2])

    def test_refusals_are_in_the_journal(self):
        self.answer(self.request(secret_key="another"))
        entry = self.sandbox.control("GET", "journal")[-1]
        self.assertEqual((entry["action"], entry["status"], entry["error"]),
                         ("ListSecrets", 400, "InvalidSignatureException"))
