#!/usr/bin/env python3
"""Checks tandem-sandbox with clients that know nothing of it: boto3, botocore and the AWS CLI.

usage: sandbox_check.py [PROGRAM] [unittest's names or options]

PROGRAM, or the variable TANDEM_SANDBOX, is the built sandbox. Ends with one line
`sandbox: N passed, N failed` and exit status 1 when something failed.
"""

import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    arguments = sys.argv[1:]
    program = arguments.pop(0) if arguments else os.environ.get("TANDEM_SANDBOX")
    if program is None:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        import boto3  # noqa: F401  (the tests import it)
    except ImportError:
        print("sandbox: skipped: python3 has no boto3, the client that the checks use")
        return 0
    os.environ["TANDEM_SANDBOX"] = str(Path(program).resolve())
    sys.path.insert(0, str(HERE))
    loader = unittest.TestLoader()
    if arguments:
        tests = loader.loadTestsFromNames(f"check.{name}" for name in arguments)
    else:
        tests = loader.discover(str(HERE / "check"), top_level_dir=str(HERE))
    result = unittest.TextTestRunner(verbosity=1).run(tests)
    failed = len(result.failures) + len(result.errors)
    for test, reason in result.skipped:
        print(f"skipped {test}: {reason}")
    print(f"sandbox: {result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
