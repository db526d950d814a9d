"""Makes commands of click from tables, with help and completion, and of what was typed what it fills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.perform import perform
from py_bpmn.cli.sections import PlainGroup, SectionCommand, SectionOption, settings
from py_bpmn.cli.session import session_of
from py_bpmn.cli.tables import PAGING, PARTITION, Argument, Command, Option, Resource, Values, option

_SUFFIXES = ("short", "secret", "raw", "encodings", "encrypted", "elements")
_ID = option("id", "-i", "--id", kind=kinds.ID, help="id, in place of an address")


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
        yield from _of_option(PARTITION)
        yield from _of_option(_ID)
    for each in (*command.options, *_pages(command)):
        yield from _of_option(each)
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


def _of_option(each: Option) -> Iterator[click.Parameter]:
    if each.family in ("variables", "element_variables"):
        yield from _variables(each)
    elif each.family == "definitions":
        yield from _definitions(each)
    else:
        # What has no default is not told of one: a required option would count as given.
        more: dict[str, Any] = {"is_flag": True} if each.flag else {"type": each.kind}
        if each.default is not None:
            more |= {"default": each.default, "show_default": True}
        elif each.has_contrary:
            more["default"] = None
        yield SectionOption(
            [*each.flags, _name(each.fills)],
            multiple=each.many,
            required=each.required,
            help=each.help,
            section=each.section,
            **more,
        )


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
