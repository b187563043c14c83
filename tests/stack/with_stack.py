"""Runs a command beside private servers, whose addresses it gets in its environment.

    python3 tests/stack/with_stack.py --postgres -- build/tests/postgres_test

Always: STACK_DIR, a private folder that goes away.
--postgres: STACK_CA (PEM), STACK_PG_HOST, STACK_PG_PORT, STACK_PG_DBNAME, STACK_PG_ADMIN_USER,
    STACK_PG_ADMIN_PASSWORD, STACK_PG_LOG (the server's log file, every statement in it).
--mariadb, --mysql: STACK_MYSQL_CA (PEM), STACK_MYSQL_HOST, STACK_MYSQL_PORT, STACK_MYSQL_DBNAME,
    STACK_MYSQL_ADMIN_USER, STACK_MYSQL_ADMIN_PASSWORD, STACK_MYSQL_LOG (the general log),
    STACK_MYSQL_FLAVOR (mariadb or mysql), STACK_MYSQL_VERSION. One of the two.
--sandbox: STACK_SANDBOX_URL, STACK_SANDBOX_ADDRESS (for AWS_LAMBDA_RUNTIME_API), and the AWS_…
    variables with which Tandem, the AWS CLI and SDKs work against it.
--application SHAPE: the database of --engine and the sandbox; RDS Proxy's stand-in in
    STACK_PROXY_HOST, STACK_PROXY_PORT, STACK_PROXY_CA, STACK_PROXY_LOG; the users app and
    app-clone and their secrets; STACK_SECRET names the application secret, TANDEM_DATABASE_CA and
    TANDEM_PROXY_CA are set. --admin adds an admin secret.
--moto: STACK_MOTO_URL, STACK_MOTO_REGION, STACK_MOTO_ACCESS_KEY_ID, STACK_MOTO_SECRET_ACCESS_KEY,
    STACK_MOTO_FUNCTION_ARN.
The exit status is the command's; 125 when a server did not start. --keep-logs leaves STACK_DIR.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

# As a script, this folder is first in the module path; its parent is what imports need.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from stack.application import SHAPES, Application  # noqa: E402
from stack.database import ENGINES  # noqa: E402
from stack.moto_server import MotoServer  # noqa: E402
from stack.process import Folder, StackError, end_on_signals, required  # noqa: E402
from stack.sandbox import Sandbox  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for engine in ENGINES:
        parser.add_argument(f"--{engine}", dest="databases", action="append_const", const=engine,
                            default=[], help=f"a {engine} server")
    parser.add_argument("--sandbox", action="store_true", help="tandem-sandbox")
    parser.add_argument("--application", choices=SHAPES, help="a whole installation but for Tandem")
    parser.add_argument("--engine", choices=ENGINES, default="postgres",
                        help="of the application; default: postgres")
    parser.add_argument("--admin", action="store_true", help="with an admin secret")
    parser.add_argument("--moto", action="store_true", help="moto_server, signatures checked")
    parser.add_argument("--build-dir", type=Path, default=Path("build"), help="default: build")
    parser.add_argument("--keep-logs", action="store_true", help="leave STACK_DIR and print it")
    parser.add_argument("command", nargs="+", help="after --: what to run")
    options = parser.parse_args()

    end_on_signals()
    with ExitStack() as stack:
        folder = stack.enter_context(Folder())
        folder.keep = options.keep_logs
        try:
            environment = start(stack, folder, options)
        except StackError as error:
            print(f"with_stack: {error}", file=sys.stderr)
            return 125
        status = run_command(options.command, os.environ | environment)
    if options.keep_logs:
        print(f"with_stack: logs are in {folder.path}", file=sys.stderr)
    return status


def start(stack: ExitStack, folder: Folder, options: argparse.Namespace) -> dict[str, str]:
    environment = {"STACK_DIR": str(folder.path)}
    if options.application:
        environment |= stack.enter_context(Application(
            folder, options.build_dir, engine=options.engine, shape=options.application,
            with_admin=options.admin)).environment()
    else:
        for engine in options.databases:
            environment |= stack.enter_context(ENGINES[engine].database()(folder)).environment()
        if options.sandbox:
            sandbox = stack.enter_context(Sandbox(folder, options.build_dir))
            environment |= sandbox.environment() | sandbox.stack_environment()
    if options.moto:
        environment |= stack.enter_context(MotoServer(folder)).environment()
    return environment


def run_command(command: list[str], environment: dict[str, str]) -> int:
    """Its exit status, 128 + the signal when one ended it; it does not outlive us."""
    watched = [required("setpriv"), "--pdeathsig=TERM", "--", *command]
    with subprocess.Popen(watched, env=environment) as process:
        try:
            status = process.wait()
        except BaseException:
            process.terminate()
            raise
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
