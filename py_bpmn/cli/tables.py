"""Commands as tables: what a command is called, what can be typed, what it asks the service for, and what it shows.

`build` makes commands of click from them, with help and completion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.kinds import Key
from py_bpmn.cli.output import FORMATS, Column, address_of
from py_bpmn.cli.problems import code_of, tell
from py_bpmn.cli.session import Session, session_of
from py_bpmn.errors import ProblemError

if TYPE_CHECKING:
    from py_bpmn._wire import Model

Values = dict[str, Any]
"""What was typed, by what it fills."""
MODELS = {
    "completion": "JobCompletion",
    "completion.called_process": "CalledProcess",
    "completion.timer": "Timer",
    "created": "TimeRange",
    "ended": "TimeRange",
    "expiration_timer": "Timer",
    "process_instance": "InstanceKey",
}
"""The objects that are put together from several options, by where they go."""
NOUNS = {
    "element_instances": "element instance",
    "incidents": "incident",
    "instances": "process instance",
    "jobs": "job",
    "tasks": "task",
    "user_tasks": "user task",
}
"""What is at an address, by what completes it."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option, or a family of options, and what it fills: an argument of the operation, or a part of one."""

    fills: str
    flags: tuple[str, ...]
    help: str
    kind: kinds.Kind = kinds.TEXT
    required: bool = False
    many: bool = False
    flag: bool = False
    default: Any = None
    section: str = "Options"
    family: Literal["", "variables", "element_variables", "definitions"] = ""
    short: bool = False
    """Whether the variables can be typed with -v as well."""

    def parameters(self) -> Iterator[click.Parameter]:
        if self.family in ("variables", "element_variables"):
            yield from _variables(self)
        elif self.family == "definitions":
            yield from _definitions(self)
        else:
            # What has no default is not told of one: a required option would count as given.
            more: dict[str, Any] = {"is_flag": True} if self.flag else {"type": self.kind}
            if self.default is not None:
                more |= {"default": self.default, "show_default": True}
            elif self.has_contrary:
                more["default"] = None
            yield SectionOption(
                [*self.flags, _name(self.fills)],
                multiple=self.many,
                required=self.required,
                help=self.help,
                section=self.section,
                **more,
            )

    @property
    def has_contrary(self) -> bool:
        """Whether it is one of two flags, of which neither need be typed."""
        return self.flag and "/" in self.flags[0]


@dataclass(frozen=True, slots=True)
class Argument:
    """What is typed without a flag."""

    fills: str
    kind: kinds.Kind = kinds.TEXT
    required: bool = True
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command."""

    name: str
    help: str
    operation: str = ""
    """Method of the client's `api`."""
    also: tuple[str, ...] = ()
    """Further operations that it uses."""
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    address: Literal["", "one", "many", "filter"] = ""
    """Whether it is about one thing at an address, about several, or about what meets criteria."""
    completes: str = ""
    """What its addresses are of."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the operation that nobody types."""
    row: str = ""
    """The schema of what is shown."""
    rows: str = ""
    """Where in the answer the results are; without it, the answer is the result."""
    columns: tuple[str | Column, ...] = ()
    text: Callable[[Any], str] | None = None
    """What people see of a single result, where that is no list of its properties."""
    naming: Callable[[Any], str] = address_of
    """What `-o ids` prints of a result."""
    paged: bool = False
    counted: bool = True
    """Whether its pages have cursors, and can be counted."""
    writes: bool = False
    does: str = ""
    """What is asked before, such as `cancel`; the name of the command by default."""
    run: Callable[[Session, Command, Values], int | None] | None = None
    """In place of the one request and its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A group of commands."""

    name: str
    help: str
    commands: tuple[Command, ...]
    groups: tuple[Resource, ...] = ()
    alias: str = ""


def option(fills: str, *flags: str, help: str, kind: kinds.Kind = kinds.TEXT, **more: Any) -> Option:
    return Option(fills, flags or ("--" + fills.rpartition(".")[2].replace("_", "-"),), help, kind, **more)


MOST_VALUES = 12
"""That are listed in a help; completion knows them all."""
PARTITION = option("partition", "-p", "--partition", kind=kinds.PARTITION, help="day, in place of an address")
REASON = option("reason", "--reason", help="why, for the audit")
PAGING = (
    option("limit", kind=click.IntRange(min=0), default=100, section="Pages", help="results at most"),
    option("offset", kind=click.IntRange(min=0), section="Pages", help="results to leave out before"),
    option("cursor", section="Pages", help="goes on behind the page before, which has told it"),
    option("all", flag=True, section="Pages", help="all pages, one after the other"),
    option("order", section="Pages", help="such as -createdAt for the newest first"),
    option("total", flag=True, section="Pages", help="count all results"),
)


class SectionOption(click.Option):
    """An option that has its place in the help."""

    def __init__(self, *args: Any, section: str = "Options", **more: Any) -> None:
        self.section = section
        super().__init__(*args, **more)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None or not isinstance(self.type, kinds.OneOf):
            return record
        values = self.type.values
        return record if len(values) > MOST_VALUES else (record[0], f"{record[1]}: {', '.join(values)}")


class SectionCommand(click.Command):
    """Lists its own options first, and those of all commands last."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Pages": [], "Options of all commands": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                section = "Options of all commands" if "--help" in parameter.opts else "Options"
                sections[getattr(parameter, "section", section)].append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class PlainGroup(click.Group):
    """Groups have no parameters but those of all commands."""

    def __init__(self, *args: Any, aliases: Mapping[str, str] | None = None, **more: Any) -> None:
        self._aliases = aliases or {}
        super().__init__(*args, **more)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, self._aliases.get(cmd_name, cmd_name))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        SectionCommand.format_options(self, ctx, formatter)  # type: ignore[arg-type]  # it asks for nothing else


def settings() -> list[click.Parameter]:
    """The options of all commands: each may stand before the name of the command, or behind."""

    def store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            assert parameter.name is not None
            setattr(context.ensure_object(Session).options, parameter.name, value)

    def make(*flags: str, **more: Any) -> click.Parameter:
        return SectionOption(
            flags, expose_value=False, callback=store, section="Options of all commands", default=None, **more
        )

    return [
        make("--url", metavar="URL", help="address of the service; or BPMN_URL"),
        make("--profile", type=kinds.PROFILE, help="one of `py-bpmn profile list`; or BPMN_PROFILE"),
        make("--worker-id", metavar="TEXT", help="who does it; or BPMN_WORKER_ID, or else user@host"),
        make("--timeout", type=kinds.SECONDS, help="how long an answer may take  [default: 40s]"),
        make("-o", "--output", type=click.Choice(FORMATS), help="by default a table, or jsonl into a pipe"),
        make("--columns", metavar="NAME,...", help="what is shown of each result"),
        make("--no-color", is_flag=True, help="without colors; or NO_COLOR"),
        make("--yes", is_flag=True, help="do not ask"),
        make("--debug", is_flag=True, help="print requests and answers, without authorization and values"),
    ]


def build(command: Command) -> click.Command:
    """The command of click."""

    @click.pass_context
    def call(context: click.Context, /, **typed: Any) -> int:
        with session_of(context) as session:
            return perform(session, command, _filled(command, typed)) or 0

    return SectionCommand(
        command.name,
        callback=call,
        params=list(_parameters(command)),
        help=command.help[0].upper() + command.help[1:] + ".",
        short_help=command.help,
    )


def build_group(resource: Resource) -> click.Group:
    return PlainGroup(
        resource.name,
        commands={each.name: each for each in (*map(build, resource.commands), *map(build_group, resource.groups))},
        params=settings(),
        help=resource.help[0].upper() + resource.help[1:] + ".",
        short_help=resource.help + (f" (or {resource.alias})" if resource.alias else ""),
    )


def _parameters(command: Command) -> Iterator[click.Parameter]:
    if command.address:
        kind = kinds.Address(command.completes)
        many = command.address == "many"
        metavar = "[ADDRESS]..." if many else "[ADDRESS]"
        yield click.Argument(["addresses"], type=kind, required=False, nargs=-1 if many else 1, metavar=metavar)
    for argument in command.arguments:
        yield click.Argument(
            [_name(argument.fills)],
            type=argument.kind,
            required=argument.required,
            nargs=-1 if argument.many else 1,
            metavar=_metavar(argument),
        )
    if command.address:
        yield from PARTITION.parameters()
        yield from option("id", "-i", "--id", kind=kinds.ID, help="id, in place of an address").parameters()
    for each in (*command.options, *_pages(command)):
        yield from each.parameters()
    # What a command calls by the same name is its own.
    own = {flag for each in command.options for flag in each.flags}
    for parameter in settings():
        if not own & set(parameter.opts):
            yield parameter


def _metavar(argument: Argument) -> str:
    name = argument.fills.upper().replace("_", "-")
    name = name.removesuffix("S") + "..." if argument.many else name
    return name if argument.required else f"[{name}]"


def _pages(command: Command) -> tuple[Option, ...]:
    if not command.paged:
        return ()
    return PAGING if command.counted else PAGING[:2]


def _name(fills: str) -> str:
    """Parameters of click are named without dots."""
    return fills.replace(".", "__")


def _filled(command: Command, typed: Values) -> Values:
    """By what each fills, without what was not typed; families are put together."""
    values: Values = {}
    for each in command.options:
        if each.family in ("variables", "element_variables"):
            values[each.fills] = _given(each, typed)
        elif each.family == "definitions":
            values[each.fills] = _defined(each, typed)
    for name, value in typed.items():
        if "___" not in name:
            values[name.replace("__", ".")] = value
    # A flag that was not typed says nothing, unless there is one that says the contrary.
    telling = {each.fills for each in command.options if each.has_contrary or not each.flag}
    return {
        name: value
        for name, value in values.items()
        if value is not None and value != () and (value is not False or name in telling)
    }


def perform(session: Session, command: Command, values: Values) -> int | None:
    """Does what the command is for, and returns the exit code."""
    if command.address in ("one", "many"):
        keys = _keys(values)
        if not keys or (len(keys) > 1 and command.address == "one"):
            article = "one" if command.address == "one" else "an"
            raise click.UsageError(f"{article} address is needed, such as 2026-11-26/17, or -p and -i")
        if command.writes:
            noun = NOUNS[command.completes]
            things = f"{len(keys)} {noun}s" if len(keys) > 1 else f"{noun} {keys[0].partition}/{keys[0].id}"
            session.guard(len(keys), f"{command.does or command.name} {things}")
        return _each(session, command, values, keys)
    _narrow(values)
    if command.writes and command.run is None:
        session.guard(1, command.does or command.name)
    return _once(session, command, values)


def _each(session: Session, command: Command, values: Values, keys: Sequence[Key]) -> int | None:
    """One request for each address; what fails does not keep the others from being done."""
    code: int | None = None
    for key in keys:
        try:
            found = _once(session, command, {**values, "partition": key.partition, "id": key.id})
            code = code or found
        except ProblemError as problem:
            if len(keys) == 1:
                raise
            tell(problem)
            code = code or code_of(problem)
    return code


def _once(session: Session, command: Command, values: Values) -> int | None:
    if command.run is not None:
        return command.run(session, command, values)
    every = values.pop("all", False)
    arguments = request(command, values)
    if command.paged:
        _show_pages(session, command, arguments, every=every)
        return None
    show(session, command, session.call(command.operation, **arguments))
    return None


def request(command: Command, values: Values) -> Values:
    """The arguments of the operation."""
    arguments: Values = dict(command.fixed)
    for name, value in values.items():
        _put(arguments, name.split("."), _sent(value))
    return {name: _modelled(name, value) for name, value in arguments.items()}


def _put(arguments: Values, path: Sequence[str], value: Any) -> None:
    *outer, last = path
    for name in outer:
        arguments = arguments.setdefault(name, {})
    arguments[last] = value


def _modelled(path: str, value: Any) -> Any:
    if not isinstance(value, dict) or path not in MODELS:
        return value
    from py_bpmn import _operations

    model = getattr(_operations, MODELS[path])
    return model(**{name: _modelled(f"{path}.{name}", each) for name, each in value.items()})


def _sent(value: Any) -> Any:
    if isinstance(value, Key):
        return value.id
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return tags(value)
    return list(value) if isinstance(value, tuple) else value


def tags(pairs: Iterable[tuple[str, str]]) -> list[Any]:
    from py_bpmn._operations import Tag

    return [Tag(name=name, value=value) for name, value in pairs]


def _keys(values: Values) -> list[Key]:
    """The addresses that were typed, in either way. Raises click.UsageError."""
    typed = values.pop("addresses", ())
    keys = [typed] if isinstance(typed, Key) else list(typed)
    partition, number = values.pop("partition", None), values.pop("id", None)
    if number is not None:
        keys.append(number)
    found = []
    for key in keys:
        day = key.partition or partition
        if day is None:
            raise click.UsageError(f"of {key.id} the partition is missing: say it with -p, or 2026-11-26/{key.id}")
        found.append(Key(day, key.id))
    return found


def _narrow(values: Values) -> None:
    """Makes criteria of an address; and of ids that are addresses, a partition. Raises click.UsageError."""
    key = values.pop("addresses", None)
    if key is not None:
        values["id"] = key
    for name, value in list(values.items()):
        if isinstance(value, Key) and value.partition is not None and (name == "id" or name.endswith("_id")):
            if values.setdefault("partition", value.partition) != value.partition:
                raise click.UsageError("two different partitions are named")
            values[name] = Key(None, value.id)


def _show_pages(session: Session, command: Command, arguments: Values, *, every: bool) -> None:
    out = session.out
    if out.is_table and command.counted:
        arguments["total"] = True
    if command.counted and "offset" not in arguments:
        # Even the first page then tells where the next one begins.
        arguments.setdefault("cursor", "")
    answer = session.call(command.operation, **arguments)
    if not every:
        show(session, command, answer)
        _tell_of_pages(session, answer)
        return
    rows: list[Any] = []
    while True:
        rows += getattr(answer, command.rows)
        if out.format in ("jsonl", "ids"):
            # What was read is of use before the last page has come.
            out.rows(rows, command.columns, model(command.row), name=command.naming)
            rows = []
        if not getattr(answer, "next_cursor", None):
            break
        answer = session.call(command.operation, **{**arguments, "cursor": answer.next_cursor})
    if out.format not in ("jsonl", "ids"):
        out.rows(rows, command.columns, model(command.row), name=command.naming)


def _tell_of_pages(session: Session, answer: Any) -> None:
    """Where the page ends, and how to go on."""
    following = getattr(answer, "next_cursor", None)
    total = getattr(answer, "total", None)
    if session.out.is_table and (total is not None or following):
        bound = "at least " if getattr(answer, "total_is_lower_bound", None) else ""
        more = f" (next: --cursor {following})" if following else ""
        session.out.say(f"{answer.count} of {bound}{total}{more}")
    elif following:
        session.out.say(f"there are more than these {answer.count}: --all, or --cursor {following}")


def show(session: Session, command: Command, answer: Any) -> None:
    """Writes what was answered, if there is anything."""
    if answer is None:
        return
    if isinstance(answer, str):
        session.out.text(answer.rstrip("\n"))
    elif command.rows:
        rows = getattr(answer, command.rows)
        session.out.rows(
            rows, command.columns, model(command.row), whole=answer, within=command.rows, name=command.naming
        )
    else:
        session.out.one(answer, command.columns, text=command.text, name=command.naming)


def model(schema: str) -> type[Model] | None:
    from py_bpmn import _operations

    found: type[Model] | None = getattr(_operations, schema, None)
    return found


def _variables(each: Option) -> Iterator[click.Parameter]:
    """`--variable`, its encoding and encryption; -v finds the encoding by itself."""
    name, [flag] = _name(each.fills), each.flags
    word = flag.removeprefix("--")

    def make(suffix: str, *flags: str, kind: kinds.Kind, help: str) -> click.Parameter:
        return SectionOption([*flags, f"{name}___{suffix}"], type=kind, multiple=True, help=help, section="Options")

    if each.short:
        text = f"{each.help}: JSON, else text; @FILE for what is in a file; nothing deletes it"
        yield make("short", "-v", kind=kinds.TAG, help=text)
        yield make("secret", "--encrypted", kind=kinds.TEXT, help="name of a variable that is kept encrypted")
    yield make("raw", flag, kind=kinds.TAG, help=f"{each.help}, as it is; needs --{word}-encoding")
    yield make("encodings", f"{flag}-encoding", kind=kinds.TAG, help="encoding of a variable, such as amount=json")
    yield make("encrypted", f"{flag}-encrypted", kind=kinds.TAG, help="whether it is encrypted: name=true")
    if each.family == "element_variables":
        text = "element that the variable is of, such as amount=subProcess"
        yield make("elements", f"{flag}-bpmn-element-id", kind=kinds.TAG, help=text)


def _given(each: Option, typed: Values) -> list[Any] | None:
    name = _name(each.fills)
    parts = {suffix: typed.pop(f"{name}___{suffix}", ()) for suffix in _SUFFIXES}
    encrypted = [*parts["secret"]]
    for variable, text in parts["encrypted"]:
        if text.lower() not in ("true", "false"):
            raise click.UsageError(f"{variable}={text}: whether it is encrypted is true or false")
        if text.lower() == "true":
            encrypted.append(variable)
    found = kinds.read_variables(
        parts["short"],
        dict(parts["raw"]),
        dict(parts["encodings"]),
        encrypted,
        dict(parts["elements"]),
        flag=each.flags[0].removeprefix("--"),
    )
    if not found:
        return None
    from py_bpmn._operations import Data, ElementVariable, ProcessVariable

    sent: list[Any] = []
    for given in found:
        data = None
        if given.text is not None:
            data = Data(encoding=given.encoding, value=given.text, encrypted=given.encrypted or None)
        if each.family == "element_variables":
            sent.append(ElementVariable(name=given.name, data=data, bpmn_element_id=given.bpmn_element_id))
        else:
            sent.append(ProcessVariable(name=given.name, data=data))
    return sent


_SUFFIXES = ("short", "secret", "raw", "encodings", "encrypted", "elements")


def _definitions(each: Option) -> Iterator[click.Parameter]:
    for flag in each.flags:
        yield SectionOption(
            [flag, f"{each.fills}___{flag.removeprefix('--').replace('-', '_')}"],
            type=kinds.Pair("ELEMENT=VALUE"),
            multiple=True,
            help=each.help,
            section="Options",
        )


def _defined(each: Option, typed: Values) -> list[Any] | None:
    """Event definitions: what an element is to throw, to catch, or to wait for."""
    from py_bpmn import _operations

    found: list[Any] = []
    for flag in each.flags:
        word = flag.removeprefix("--").replace("-", "_")
        for element, text in typed.pop(f"{each.fills}___{word}", ()):
            if each.fills == "timers":
                value: Any = kinds.MOMENT.convert(text, None, None) if word == "time" else text
                timer = _operations.Timer(**{word: value})
                found.append(_operations.TimerDefinition(bpmn_element_id=element, timer=timer))
            else:
                kind = getattr(_operations, f"{word.title()}Definition")
                attribute = {"error": "error_code", "escalation": "escalation_code"}.get(word, f"{word}_name")
                found.append(kind(**{"bpmn_element_id": element, attribute: text}))
    return found or None
