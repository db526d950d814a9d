"""A process that is walked through, on an engine of its own; each step is one of a story of the test kit."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from py_bpmn.cli.play.model import Process
from py_bpmn.cli.play.place import Position, Told, joined
from py_bpmn.cli.play.source import arguments, source
from py_bpmn.cli.play.taking import only, take
from py_bpmn.cli.play.words import STEPS, Step, Unable, duration
from py_bpmn.errors import BpmnClientError, ProblemError
from py_bpmn.testing.kit import Bpmn
from py_bpmn.testing.story import Story

if TYPE_CHECKING:
    from py_bpmn._operations import ElementInstance, Waiting
    from py_bpmn.testing.engine import Engine

START_KEY = "1"
"""Of a message that starts a process."""


@dataclass(frozen=True, slots=True)
class Done:
    """A step, and what came of it."""

    step: Step
    seen: str
    """Where the process waits then, or how it has ended."""
    code: Sequence[str]
    """Lines of a test."""
    notes: Sequence[str] = ()
    """What has happened beside."""


@dataclass
class Game:
    """A walk. Engine and instance are new after `start` and `back`."""

    engine: Engine
    process: Process
    others: Sequence[Process] = ()
    """Processes that may be called."""
    done: list[Done] = field(default_factory=list)
    pending: dict[str, Any] = field(default_factory=dict)
    """Variables for the next completion."""

    def start(self, variables: Mapping[str, Any]) -> None:
        """Begins anew. Raises Unable for a process that can't be deployed or started."""
        self.done, self.pending = [], {}
        try:
            self._run(Step("start", (self.process.id,), variables))
        except ProblemError as problem:
            lines = [f"{self.process.file} can't be played: {problem.detail}"]
            lines += [f"  {each.pointer}: {each.detail}" for each in problem.errors]
            raise Unable("\n".join(lines)) from None

    def do(self, step: Step) -> Done:
        """Takes a step. Raises Unable, and is where it was then."""
        before = list(self.done)
        try:
            self._run(step)
        except (ArithmeticError, AssertionError, BpmnClientError, TypeError, ValueError) as error:
            if not isinstance(error, Unable):
                # A job may be locked, or have failed by that.
                self._replay(before)
            raise Unable(_reason(error)) from error
        return self.done[-1]

    def back(self) -> None:
        """Undoes the last step."""
        if len(self.done) < 2:
            raise Unable("this is the beginning")
        self._replay(self.done[:-1])

    def restart(self) -> None:
        self._replay(self.done[:1])

    def _replay(self, steps: Sequence[Done]) -> None:
        self.done, self.pending = [], {}
        for each in steps:
            self._run(each.step)

    def _run(self, step: Step) -> None:
        states = {} if step.word == "start" else self._states()
        code = self._start(step) if step.word == "start" else self._perform(step)
        code += self._discover()
        if step.word != "set":
            code += self._checks()
        self.done.append(Done(step, self.seen, code, self._notes(states)))

    def _start(self, step: Step) -> list[str]:
        self.engine.reset({})
        self.bpmn = Bpmn(self.engine.client("play"))
        for each in (self.process, *self.others):
            self.bpmn.deploy(each.xml, process=each.id if each.several else None)
        story, code = self._begin(step.variables)
        self.root = Told(story, "story")
        self.told = [self.root]
        return code

    def _begin(self, variables: Mapping[str, Any]) -> tuple[Story, list[str]]:
        """The story of a new instance: by what has to be sent, where the process does not start otherwise."""
        id = self.process.id
        given = "".join(f", {each}" for each in arguments(variables, "variables="))
        if not self.process.started_by:
            return self.bpmn.start(id, variables=variables), [f"story = bpmn.start({source(id)}{given})"]
        kind, name = self.process.started_by[0]
        if kind == "message":
            self.bpmn.send(name, key=START_KEY, variables=variables)
            sent = f"bpmn.send({source(name)}, key={source(START_KEY)}{given})"
        else:
            self.bpmn.signal(name, variables=variables)
            sent = f"bpmn.signal({source(name)}{given})"
        return self.bpmn.started(id), [sent, f"story = bpmn.started({source(id)})"]

    def _perform(self, step: Step) -> list[str]:
        word, args = step.word, step.args
        if word not in STEPS:
            raise Unable(f"there is no step {word}")
        if word == "set":
            self.pending |= step.variables
            return []
        if word in ("message", "signal", "time"):
            return getattr(self, f"_do_{word}")(step)  # type: ignore[no-any-return]  # each answers lines
        position = self._position(args[0], word)
        taken = word in ("complete", "error", "escalate", "user")
        variables = {**self.pending, **step.variables} if taken else {}
        if word == "decide":
            self._check_choices(position, args[1:])
        if word == "call":
            code = [self._meet(position.told, position.id, position.label, only(args[1:], word))]
        else:
            code = take(position, word, args[1:], variables)
        if taken:
            self.pending = {}
        return code

    def _do_message(self, step: Step) -> list[str]:
        if len(step.args) != 2:
            raise Unable(f"message is message {STEPS['message']}")
        name, key = step.args
        sent = self.bpmn.send(name, key=key, variables=step.variables)
        if sent.result != "DELIVERED":
            raise AssertionError(f"nothing waits for message {name} with key {key}")
        given = "".join(f", {each}" for each in arguments(step.variables, "variables="))
        return [f"bpmn.send({source(name)}, key={source(key)}{given})"]

    def _do_signal(self, step: Step) -> list[str]:
        name = only(step.args, "signal")
        if not any(each.waiting.kind == "SIGNAL" and each.waiting.name == name for each in self.everywhere()):
            raise Unable(f"nothing waits for signal {name}")
        self.bpmn.signal(name, variables=step.variables)
        given = "".join(f", {each}" for each in arguments(step.variables, "variables="))
        return [f"bpmn.signal({source(name)}{given})"]

    def _do_time(self, step: Step) -> list[str]:
        by = duration(step.args[0])
        self.bpmn.clock.advances(**by)
        return [f"bpmn.clock.advances({', '.join(f'{unit}={value}' for unit, value in by.items())})"]

    def _check_choices(self, position: Position, chosen: Sequence[str]) -> None:
        choices = self.choices(position)
        wrong = [each for each in chosen if each not in choices]
        if wrong or not chosen:
            said = f"there is no flow to {', '.join(wrong)}" if wrong else "nothing is chosen"
            raise Unable(f"{said}: {position.id} leads to {', '.join(choices)}")
        if len(chosen) > 1 and position.waiting.job_type == "EVALUATE_EXCLUSIVE_GATEWAY":
            raise Unable(f"{position.id} leads to one of {', '.join(choices)}")

    def _meet(self, caller: Told, id: str, label: str, process: str) -> str:
        """Gets to know the called instance, which is made if it is not there yet."""
        called = caller.story.at(id).calls(process)
        names = {each.name for each in self.told} | {"bpmn", "story"}
        plain = re.sub(r"\W", "_", process, flags=re.ASCII).strip("_") or "called"
        plain = f"called_{plain}" if plain[0].isdigit() or keyword.iskeyword(plain) else plain
        name = next(each for each in [plain, *(f"{plain}_{n}" for n in range(2, 1000))] if each not in names)
        self.told.append(Told(called, name, label))
        return f"{name} = {caller.name}.at({source(id)}).calls({source(process)})"

    def _discover(self) -> list[str]:
        """Instances that were called without being asked for."""
        code: list[str] = []
        for told in self.told:
            for each in told.story.waiting():
                if each.kind == "CALLED_INSTANCE" and self._called(each) is None:
                    assert each.partition is not None and each.process_instance_id is not None
                    process = self.bpmn.client.instance((each.partition, each.process_instance_id)).process
                    label = joined(told.label, each.bpmn_element_id)
                    code.append(self._meet(told, each.bpmn_element_id, label, process))
        return code

    def _called(self, waiting: Waiting) -> Told | None:
        key = (waiting.partition, waiting.process_instance_id)
        return next((each for each in self.told if (each.story.partition, each.story.id) == key), None)

    @property
    def seen(self) -> str:
        """Where the process waits, or how it has ended: as lines of walks say it, behind `=`."""
        state = self.root.story.instance.state
        if state == "COMPLETED":
            return f"completed at {', '.join(self.ends)}" if self.ends else "completed"
        if state == "CANCELED":
            return "canceled"
        places: dict[tuple[str, int], str] = {}
        for each in self.waits():
            if not each.is_beside:
                places.setdefault((each.told.name, each.waiting.element_instance_id), each.seen)
        return ", ".join(sorted(places.values())) or "nothing"

    @property
    def ended(self) -> bool:
        return self.root.story.instance.ended

    @property
    def ends(self) -> list[str]:
        visits = self.visits()
        found = [
            each.bpmn_element_id
            for each in visits
            if each.parent_id == visits[0].id
            and each.bpmn_element_type.endswith("END_EVENT")
            and each.state == "COMPLETED"
        ]
        return list(dict.fromkeys(found))

    def waits(self) -> list[Position]:
        """Where something is waited for."""
        return list(self._positions(self.root))

    def positions(self) -> list[Position]:
        """Where something can be done; numbered from 1 where there are several."""
        return [each for each in self.waits() if each.waiting.kind not in ("JOIN", "SELECTION")]

    def everywhere(self) -> list[Position]:
        """With boundary events."""
        return [each for position in self.waits() for each in (position, *position.events)]

    def _positions(self, told: Told) -> Iterator[Position]:
        for each in told.story.waiting():
            label = joined(told.label, each.bpmn_element_id)
            called = self._called(each) if each.kind == "CALLED_INSTANCE" else None
            if called is not None and not called.is_stub:
                yield from self._positions(called)
                continue
            events = [Position(joined(told.label, event.bpmn_element_id), told, event) for event in each.also]
            yield Position(label, told, each, called, events)

    def _position(self, label: str, word: str) -> Position:
        """Where a step with this word is to be taken. Raises Unable."""
        every = self.everywhere()
        found = [each for each in every if label in (each.label, each.id)]
        if not found:
            raise Unable(f"nothing waits at {label}: it is {self.standing()}")
        fitting = [each for each in found if self.fits(each, word)]
        if not fitting:
            one = found[0]
            hint = f", but {one.step}" if one.step else ""
            raise Unable(f"{word} can't be done at {label}{hint}")
        return fitting[0]

    def fits(self, position: Position, word: str) -> bool:
        if word in ("error", "escalate"):
            return position.stub is not None or (position.waiting.job_type == "EXECUTE" and position.step == "complete")
        if word == "fail":
            return position.waiting.kind == "JOB"
        return position.step == word

    def choices(self, position: Position) -> list[str]:
        """Where a gateway leads."""
        process = self.model(position.told)
        return process.choices(position.id) if process else []

    def model(self, told: Told) -> Process | None:
        return next((each for each in (self.process, *self.others) if each.id == told.story.process), None)

    def standing(self) -> str:
        return self.seen if self.ended else f"waiting at {self.seen}"

    def visits(self) -> Sequence[ElementInstance]:
        return _visits(self.bpmn, self.root.story)

    def _states(self) -> dict[tuple[int, int], str]:
        return {(told.story.id, each.id): each.state for told in self.told for each in _visits(self.bpmn, told.story)}

    def _notes(self, before: Mapping[tuple[int, int], str]) -> list[str]:
        """What was fired and canceled by a step."""
        fired: list[str] = []
        canceled: list[str] = []
        for told in [each for each in self.told if before and not each.is_stub]:
            for each in _visits(self.bpmn, told.story):
                was = before.get((told.story.id, each.id))
                label = joined(told.label, each.bpmn_element_id)
                if each.state == was or each.bpmn_element_type == "PROCESS":
                    continue
                if each.state == "COMPLETED" and each.bpmn_element_type.endswith("BOUNDARY_EVENT"):
                    fired.append(f"{label} fired")
                elif each.state in ("CANCELED", "TERMINATED") and not each.bpmn_element_type.endswith("BOUNDARY_EVENT"):
                    canceled.append(f"{label} canceled")
        return fired + canceled

    def _checks(self) -> list[str]:
        """Lines of a test that hold what is seen."""
        code: list[str] = []
        for told in self.told:
            story = told.story
            state = story.instance.state
            if state == "COMPLETED" and told is self.root:
                ends = self.ends
                code.append(f"{told.name}.is_completed({f'at={source(ends[-1])}' if ends else ''})")
            elif state == "CANCELED" and told is self.root:
                code.append(f"{told.name}.is_canceled()")
            elif state not in ("COMPLETED", "CANCELED") and not told.is_stub:
                waits = ", ".join(source(each) for each in story.places())
                code.append(f"{told.name}.waits_at({waits})")
        return code


def _visits(bpmn: Bpmn, story: Story) -> Sequence[ElementInstance]:
    query = bpmn.client.api.query_element_instances
    return list(bpmn.client.each(query, partition=story.partition, process_instance_id=story.id))


def _reason(error: BaseException) -> str:
    """One line."""
    text = error.detail if isinstance(error, ProblemError) else str(error)
    return next(iter(text.splitlines()), type(error).__name__)
