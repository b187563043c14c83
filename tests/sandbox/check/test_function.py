"""The Runtime API from a runtime's side, through POST /sandbox/invoke."""

import http.client
import threading
import time

from .harness import RUNTIME, FunctionError, Runtime, SandboxTest


class FunctionTest(SandboxTest):
    arguments = ("--lambda-timeout-ms", "5000")

    def start(self, handle):
        runtime = Runtime(self.sandbox, handle)
        self.addCleanup(runtime.stop)
        self.wait_for(lambda: self.sandbox.control("GET", "function")["waiting"])
        return runtime

    def invoke(self, body=b"{}"):
        return self.sandbox.control("POST", "invoke", body)

    def invoke_in_background(self, body=b"{}"):
        """A list that gets the answer, and the thread to join."""
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.invoke(body)))
        thread.start()
        self.addCleanup(thread.join)
        return answers, thread

    def poll(self):
        """Polls on a connection of its own: (connection, request id)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox.port, timeout=5)
        connection.request("GET", RUNTIME + "/invocation/next")
        answer = connection.getresponse()
        answer.read()
        return connection, answer.headers["Lambda-Runtime-Aws-Request-Id"]

    def post(self, path, body=b"null", headers=None):
        return self.sandbox.request("POST", RUNTIME + path, body, headers)[0]


class Invocations(FunctionTest):
    def test_response_comes_back(self):
        self.start(lambda event: {"got": event})
        self.assertEqual(self.invoke(b'{"a": 1}'),
                         {"outcome": "response", "error_type": None, "body": '{"got": {"a": 1}}'})

    def test_error_comes_back_with_lambdas_idea_of_its_type(self):
        kinds = {"Function.SetSecretFailed": "Function.SetSecretFailed",
                 "Runtime.Exit": "Runtime.Exit", "Function.E2": "Function.Unknown",
                 "Function.lower": "Function.Unknown", "Oops": "Runtime.Unknown"}
        for kind, kept in kinds.items():
            def handle(event, kind=kind):
                raise FunctionError(kind, "why")
            runtime = self.start(handle)
            answer = self.invoke()
            runtime.stop()
            self.assertEqual((answer["outcome"], answer["error_type"]), ("error", kept))

    def test_runtime_that_died_is_noticed_at_the_next_poll(self):
        answers, thread = self.invoke_in_background()
        self.poll()[0].close()
        time.sleep(0.05)
        self.start(lambda event: None)
        thread.join()
        self.assertEqual((answers[0]["outcome"], answers[0]["error_type"]),
                         ("error", "Runtime.ExitError"))

    def test_runtime_that_died_is_noticed_after_the_next_poll(self):
        answers, thread = self.invoke_in_background()
        connection, _ = self.poll()
        self.start(lambda event: None)
        connection.close()
        thread.join()
        self.assertEqual((answers[0]["outcome"], answers[0]["error_type"]),
                         ("error", "Runtime.ExitError"))

    def test_runtime_that_polls_again_has_failed(self):
        answers, thread = self.invoke_in_background()
        connection, _ = self.poll()
        connection.request("GET", RUNTIME + "/invocation/next")
        thread.join()
        connection.close()
        self.assertEqual(answers[0]["error_type"], "Runtime.ExitError")

    def test_a_second_runtime_does_not_fail_the_first(self):
        answers, thread = self.invoke_in_background()
        connection, request_id = self.poll()
        self.start(lambda event: None)
        self.assertEqual(self.post(f"/invocation/{request_id}/response"), 202)
        thread.join()
        connection.close()
        self.assertEqual(answers[0]["outcome"], "response")

    def test_poller_that_hung_up_gets_no_work(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox.port)
        connection.request("GET", RUNTIME + "/invocation/next")
        self.wait_for(lambda: self.sandbox.control("GET", "function")["waiting"])
        connection.close()
        answers, thread = self.invoke_in_background()
        self.start(lambda event: "alive")
        thread.join()
        self.assertEqual(answers[0]["body"], '"alive"')


class Timeouts(FunctionTest):
    arguments = ("--lambda-timeout-ms", "200")

    def test_no_answer_in_time_is_a_timeout(self):
        self.start(lambda event: time.sleep(0.4))
        self.assertEqual(self.invoke()["outcome"], "timeout")

    def test_no_runtime_at_all_is_a_timeout(self):
        self.assertEqual(self.invoke()["outcome"], "timeout")

    def test_late_answer_is_400(self):
        _, thread = self.invoke_in_background()
        connection, request_id = self.poll()
        thread.join()
        self.assertEqual(self.post(f"/invocation/{request_id}/response"), 400)
        connection.close()


class Answers(FunctionTest):
    def test_unknown_id_is_400_and_a_second_answer_is_refused(self):
        self.assertEqual(self.post("/invocation/nobody/response"), 400)
        self.invoke_in_background()
        connection, request_id = self.poll()
        self.assertEqual(self.post(f"/invocation/{request_id}/response"), 202)
        self.assertIn(self.post(f"/invocation/{request_id}/response"), (400, 403))
        connection.close()

    def test_answer_above_six_mebibytes_is_413(self):
        _, thread = self.invoke_in_background()
        connection, request_id = self.poll()
        self.assertEqual(self.post(f"/invocation/{request_id}/response",
                                   b"x" * (6 * 1024 * 1024 + 101)), 413)
        self.assertEqual(self.post(f"/invocation/{request_id}/response"), 202)
        thread.join()
        connection.close()

    def test_init_error_is_kept(self):
        self.assertEqual(self.post("/init/error", b'{"errorMessage":"no"}',
                                   {"Lambda-Runtime-Function-Error-Type": "Runtime.BadConfig"}),
                         202)
        self.assertEqual(self.sandbox.control("GET", "function")["init_errors"],
                         [{"error_type": "Runtime.BadConfig", "body": '{"errorMessage":"no"}'}])
