"""Runs the scenarios of a conformance corpus on both databases: `conformance.py CORPUS`.

The corpus' own runner starts a fresh service for each of its files by `conformance.py serve ...`. Scenarios listed in
conformance-pending.txt may fail; those of them that pass are reported.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))


def pending() -> set[str]:
    lines = (HERE / "conformance-pending.txt").read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def run(corpus: Path, database: str, server: str) -> tuple[set[str], set[str]]:
    """The names of the scenarios that passed and failed; `server` is an URL, or the folder for SQLite files."""
    start = [sys.executable, str(Path(__file__).resolve()), "serve", server]
    command = f"exec {shlex.join(start)} --port {{port}} --set-time {{set_time}} --encryption-keys {{encryption_keys}}"
    passed, failed = set(), set()
    with subprocess.Popen(
        [sys.executable, str(corpus / "run.py"), "--start", command], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            words = line.split()
            if words[:1] == ["PASS"]:
                passed.add(words[1])
                continue
            print(f"{database}: {line}", end="", flush=True)
            if words[:1] == ["FAIL"]:
                failed.add(words[1].removesuffix(":"))
    if process.returncode not in (0, 1) or (process.returncode == 1) != bool(failed):
        failed.add("run.py")
    return passed, failed


def serve(arguments: argparse.Namespace) -> None:
    """Becomes a service on a database of its own."""
    name = f"conformance_{uuid.uuid4().hex}"
    if arguments.server.startswith("/"):
        url = f"sqlite:///{arguments.server}/{name}.db"
    else:
        # Imported where it is needed: this program is started once for each file of scenarios.
        import psycopg

        from tests.databases import plain

        with psycopg.connect(plain(arguments.server), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            url = arguments.server.replace(f"/{connection.info.dbname}?", f"/{name}?")
    options = {
        "BPMN_DATABASE_URL": url,
        "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{arguments.port}",
        "BPMN_HTTP_BASIC_AUTH_USERNAME": "test",
        "BPMN_HTTP_BASIC_AUTH_PASSWORD": "test",
        "BPMN_SET_TIME_ENABLED": arguments.set_time,
        "BPMN_ENCRYPTION_KEYS": arguments.encryption_keys,
        "BPMN_TASK_EXECUTOR_ENABLED": "false",
        # Scenarios jump from day to day, and days are what costs on PostgreSQL.
        "BPMN_PARTITION_AHEAD_DAYS": "1",
    }
    # `-m` takes the folder it is started in as the first place to look for modules.
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "app.cli", "serve"], os.environ | options)


def check(corpus: Path) -> int:
    """Runs everything, prints what is unexpected, and returns the exit code."""
    from tests.databases import Postgres

    expected_to_fail = pending()
    passed_everywhere: set[str] | None = None
    unexpected = []
    print("conformance on SQLite and PostgreSQL", flush=True)
    postgres = Postgres(lambda url: None)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bpmn-conformance-") as folder,
            postgres.fresh(migrated=False) as url,
            ThreadPoolExecutor() as both,
        ):
            servers = {"SQLite": folder, "PostgreSQL": url}
            running = {database: both.submit(run, corpus, database, server) for database, server in servers.items()}
            results = {database: each.result() for database, each in running.items()}
    finally:
        postgres.stop()
    for database, (passed, failed) in results.items():
        unexpected += [f"{name} fails on {database}" for name in sorted(failed - expected_to_fail)]
        passed_everywhere = passed if passed_everywhere is None else passed_everywhere & passed
        if not passed:
            unexpected.append(f"nothing passes on {database}")
    for name in sorted(expected_to_fail & (passed_everywhere or set())):
        print(f"{name} passes, and can be taken off conformance-pending.txt")
    print("\n".join(unexpected))
    total = sum(len(passed) for passed, _ in results.values())
    print(f"{total} passed, {sum(len(failed) for _, failed in results.values())} failed")
    return 1 if unexpected else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    if sys.argv[1:2] != ["serve"]:
        parser.add_argument("corpus", type=Path)
        return check(parser.parse_args().corpus.resolve())
    parser.add_argument("serve")
    parser.add_argument("server")
    parser.add_argument("--port", required=True)
    parser.add_argument("--set-time", required=True)
    parser.add_argument("--encryption-keys", required=True)
    serve(parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
