"""The commands of operators: `py-bpmn COMMAND`.

Results go to standard output, everything else to standard error. Exit codes: 0, 1 when a command failed with the
message it printed, 2 for a wrong command line, 130 when it was interrupted. `check` answers 0 when all is well, 1 for
warnings, and 2 for errors and what could not be checked.
"""

from __future__ import annotations

import argparse
import gc
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app import argument, logs
from app.caller import Caller, Grant, Role, calling
from app.config import Config, ConfigError
from app.config import logger as of_config
from app.config.listing import listing, markdown
from app.config.table import LONGEST_NAME
from app.criteria import AuditCriteria, Range
from app.errors import EngineError, StartError
from app.version import version

if TYPE_CHECKING:
    from app.service import Service
    from app.store import ApiKey
    from app.store.audit import AuditEntry

COMMAND = "py-bpmn"
"""The credential of what is done by a command."""
EXPORTED_AT_ONCE = 1000


class CommandError(Exception):
    """The command failed, for the reason in the message."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    try:
        arguments = _parser().parse_args(argv)
        code: int | None = arguments.command(arguments)
    except ConfigError as error:
        return _fail(str(error))
    except (CommandError, EngineError, StartError) as error:
        return _fail(f"error: {error}")
    except KeyboardInterrupt:
        return 130
    return code or 0


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _load_config() -> Config:
    """The configuration of the environment, which also says how its own warnings are logged."""
    warnings: list[str] = []
    try:
        config = Config.from_env(warn=warnings.append)
        logs.set_up(config.log_level, config.log_format)
    finally:
        for warning in warnings:
            of_config.warning("%s", warning)
    return config


def serve(arguments: argparse.Namespace) -> None:
    # Until all is loaded: it stays, and looking through it for garbage would take a quarter of the start.
    gc.disable()
    try:
        from app.serve import serve

        serve(_load_config())
    finally:
        gc.enable()


def migrate(arguments: argparse.Namespace) -> None:
    from app.store import migrate

    print(migrate(_load_config()))


def show_config(arguments: argparse.Namespace) -> None:
    if arguments.markdown:
        print(markdown())
        return
    for line in listing(_load_config()):
        print(f"{line.name}={line.value}\n    {line.description}\n    default: {line.default or '(empty)'}")


def create_key(arguments: argparse.Namespace) -> None:
    from app.crypto import new_key

    with _output(arguments.output) as write:
        write(new_key())


@contextmanager
def _output(path: Path | None) -> Iterator[Callable[[str], None]]:
    """Takes a secret to standard output, or else into a new file that only its owner can read.

    Raises CommandError for a file that can't be created before the block is entered, and for what can't be written in
    the block. The file of a block that failed is removed.
    """
    if path is None:
        yield partial(_write, sys.stdout, "standard output")
        return
    try:
        # A file that is there may be the only copy of another secret.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"{path} exists already, and is not overwritten") from None
    except OSError as error:
        raise CommandError(f"can't write {path}: {error.strerror}") from error
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            yield partial(_write, file, str(path))
    except BaseException:
        path.unlink()
        raise


def _write(file: TextIO, name: str, text: str) -> None:
    try:
        file.write(text)
        file.flush()
    except OSError as error:
        raise CommandError(f"can't write {name}: {error.strerror}") from error


@contextmanager
def _service() -> Iterator[Service]:
    """The service on a database that is there and up to date; nothing but keys is read or written."""
    from app.service import Service
    from app.store import find_schema, open_store, usable

    config = _load_config()
    find_schema(config).require_current()
    with usable(config):
        service = Service(config, open_store(config, quiet=True))
        try:
            yield service
        finally:
            service.close()


@contextmanager
def _asking(operation: str) -> Iterator[str]:
    """What happens in the block is noted as done by who has typed the command, whose name it gets."""
    try:
        user = getpass.getuser()[:LONGEST_NAME]
    except (KeyError, OSError):
        # A user without a name, as in some containers.
        user = str(os.getuid())
    with calling(Caller(grant=Grant(credential=COMMAND), role=Role.ADMIN, operation=operation)):
        yield user


def create_api_key(arguments: argparse.Namespace) -> None:
    with _service() as service, _output(arguments.output) as write, _asking("createApiKey") as user:
        value = service.keys.create(
            arguments.secret_id,
            arguments.expires,
            worker_id=user,
            reason=arguments.reason,
            roles=frozenset(arguments.role) or frozenset({Role.ADMIN}),
            bpmn_process_ids=tuple(dict.fromkeys(arguments.process)),
            may_deploy=arguments.may_deploy,
            may_send=arguments.may_send,
            description=arguments.description or "",
        )
        try:
            write(value)
        except CommandError:
            # Nobody has seen the secret, and nobody can see it any more.
            service.keys.revoke(arguments.secret_id, worker_id=user)
            raise


def list_api_keys(arguments: argparse.Namespace) -> None:
    with _service() as service:
        for key in service.keys.listed():
            print("\t".join([key.secret_id, f"created {_time(key.created_at)}", *_facts(key)]))


def _facts(key: ApiKey) -> Iterator[str]:
    yield f"expires {_time(key.expires_at)}" if key.expires_at else "never expires"
    yield ",".join(role for role in Role if role in key.roles)
    yield ",".join(key.bpmn_process_ids) or "all processes"
    yield f"used {_time(key.last_used_at)}" if key.last_used_at else "never used"
    if key.may_deploy:
        yield "may deploy"
    if key.may_send:
        yield "may send"
    if key.description:
        yield key.description


def revoke_api_key(arguments: argparse.Namespace) -> None:
    with _service() as service, _asking("revokeApiKey") as user:
        service.keys.revoke(arguments.secret_id, worker_id=user, reason=arguments.reason)


def export_audit(arguments: argparse.Namespace) -> None:
    """Writes a line of JSON for each entry, the oldest first; entries that are made meanwhile may be among them."""
    with _service() as service:
        last = 0
        while found := service.query(
            AuditCriteria(after=last, time=Range(from_=arguments.since, until=arguments.until)), limit=EXPORTED_AT_ONCE
        ):
            for entry in found:
                print(json.dumps(_exported(entry), ensure_ascii=False))
            last = found[-1].id


def _exported(entry: AuditEntry) -> dict[str, object]:
    """As the API shows it."""
    from app.timer import format_timestamp

    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    values["time"] = format_timestamp(entry.time)
    values["partition"] = entry.partition.isoformat() if entry.partition else None
    return {_camel(name): value for name, value in values.items() if value}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def back_up(arguments: argparse.Namespace) -> None:
    from app.store import back_up

    size = back_up(_load_config(), arguments.file)
    print(f"copied the database to {arguments.file}, {size} bytes")


def check(arguments: argparse.Namespace) -> int:
    """Prints how the system is; 0 when all is well, 1 for warnings, 2 for errors."""
    from app.check import ask, local, show

    found = ask(arguments.url, arguments.key_file, _load_config()) if arguments.url else local(_load_config())
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print(show(found))
    return {"OK": 0, "WARN": 1}.get(found["status"], 2)


def demo(arguments: argparse.Namespace) -> None:
    from app.demo import main

    main()


def show_version(arguments: argparse.Namespace) -> None:
    found = version()
    if found == "unknown":
        raise CommandError("py-bpmn is not installed")
    print(found)


class _ShowVersion(argparse.Action):
    """The option that does what the command `version` does."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> None:
        show_version(namespace)
        parser.exit()


def _time(value: datetime) -> str:
    return value.isoformat(timespec="seconds") + "Z"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="py-bpmn", description="A BPMN 2.0 process engine. Options are environment variables: py-bpmn config."
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add(commands, "serve", serve, "start the service")
    _add(commands, "migrate", migrate, "create the tables, or bring them up to date")
    config = _add(commands, "config", show_config, "print all options with their values; secrets are masked")
    config.add_argument("--markdown", action="store_true", help="print the options as a table for a document")

    keys = _group(commands, "key", "keys for encrypted variables")
    _add_output(_add(keys, "create", create_key, "print a new encryption key"))

    api_keys = _group(commands, "api-key", "API keys, which clients send as authorization")
    create = _add(api_keys, "create", create_api_key, "create a key and print the authorization value")
    create.add_argument("--secret-id", type=argument.secret_id, required=True, help="name of the key")
    create.add_argument(
        "--expires", type=argument.expiry, metavar="WHEN", help="ISO 8601 date-time, or a duration from now"
    )
    roles = ", ".join(Role)
    create.add_argument(
        "--role", type=str.upper, choices=list(Role), action="append", default=[], help=f"{roles}; ADMIN by default"
    )
    text = "BPMN process ID that the key is bound to, or the beginning of IDs and *; all by default"
    create.add_argument("--process", type=argument.pattern, action="append", default=[], metavar="ID", help=text)
    create.add_argument("--may-deploy", action="store_true", help="may deploy without the role ADMIN")
    create.add_argument("--may-send", action="store_true", help="may send messages and signals, though it is bound")
    create.add_argument("--description", type=argument.secret_id, metavar="TEXT", help="what the key is for")
    _add_reason(create)
    _add_output(create)
    _add(api_keys, "list", list_api_keys, "print the keys without their secrets")
    revoke = _add(api_keys, "revoke", revoke_api_key, "delete a key")
    revoke.add_argument("--secret-id", type=argument.secret_id, required=True, help="name of the key")
    _add_reason(revoke)

    audit = _group(commands, "audit", "what operators have done")
    export = _add(audit, "export", export_audit, "print it as lines of JSON")
    export.add_argument("--since", type=argument.moment, metavar="WHEN", help="ISO 8601 date-time of the first entry")
    export.add_argument("--until", type=argument.moment, metavar="WHEN", help="ISO 8601 date-time after the last entry")

    backup = _add(commands, "backup", back_up, "copy a SQLite database into a file, while services use it")
    backup.add_argument("file", type=Path, metavar="FILE", help="new file, which only its owner can read")
    look = _add(commands, "check", check, "tell what is wrong with the system, and what helps")
    look.add_argument("--json", action="store_true", help="print all that is known as JSON")
    look.add_argument("--url", help="ask a service, such as http://127.0.0.1:8080, instead of the database")
    look.add_argument(
        "--key-file", type=Path, metavar="FILE", help="with --url: file with the API key; else the configured user"
    )

    _add(commands, "demo", demo, "play a process against a service of its own")
    _add(commands, "version", show_version, "print the version")
    return parser


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _add(
    commands: _Commands, name: str, command: Callable[[argparse.Namespace], int | None], text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    return parser


def _add_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", type=argument.reason, default="", metavar="TEXT", help="why, for the audit")


def _add_output(parser: argparse.ArgumentParser) -> None:
    text = "write into a new file, which only its owner can read, instead of printing"
    parser.add_argument("--output", type=Path, metavar="FILE", help=text)


def _group(commands: _Commands, name: str, text: str) -> _Commands:
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


if __name__ == "__main__":
    sys.exit(main())
