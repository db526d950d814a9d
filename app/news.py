"""What a commit has brought that somebody may wait for, also in the form in which processes tell each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import orjson

from app.engine.changes import Changes
from app.engine.records import Job, ProcessInstance, Task

LONGEST = 7000
"""Bytes of a text for other processes."""


class NoNews(Exception):
    """A text is not understood."""


class Address(NamedTuple):
    partition: date
    id: int


class JobNews(NamedTuple):
    """A job that can be locked. What is not known of it is None."""

    partition: date
    id: int
    process_id: int
    process_instance_id: int
    type: str
    bpmn_element_id: str
    bpmn_process_id: str | None = None
    task_type: str | None = None

    @property
    def address(self) -> Address:
        return Address(self.partition, self.id)


class Happening(NamedTuple):
    """Something that happens once: an instance ends, a task is executed, a signal has reached all its subscribers."""

    kind: Literal["instance", "task", "signal"]
    partition: date | None
    id: int


@dataclass(slots=True)
class News:
    """What a commit has brought that somebody may wait for."""

    jobs: list[JobNews] = field(default_factory=list)
    happened: set[Happening] = field(default_factory=set)
    anything: bool = False
    """Whether there may be jobs that are not named."""
    due: datetime | None = None
    """When the first of the jobs that are not due yet is."""

    def __bool__(self) -> bool:
        return bool(self.jobs or self.happened or self.anything or self.due)

    def add(self, other: News) -> None:
        self.jobs += other.jobs
        self.happened |= other.happened
        self.anything |= other.anything
        self.due = min((due for due in (self.due, other.due) if due), default=None)


def news_of(changes: Changes) -> News:
    """What was committed, as far as anybody can wait for it."""
    news = News(anything=changes.clock_offset_ms is not None)
    for job in changes.new.get(Job, ()):
        if job.due_at <= job.created_at:
            news.jobs.append(_job_news(job))
        elif news.due is None or job.due_at < news.due:
            news.due = job.due_at
    news.anything |= any(isinstance(each, Job) for each in changes.moved)
    # One that is changed and not completed may have become due.
    news.anything |= any(job.completed_at is None for job in changes.updated.get(Job, ()))
    news.happened.update(
        Happening("instance", each.partition, each.id) for each in _of(changes, ProcessInstance) if each.ended_at
    )
    news.happened.update(Happening("task", each.partition, each.id) for each in _of(changes, Task) if each.completed_at)
    news.happened.update(Happening("signal", None, id) for id in changes.delivered_signals)
    return news


def _of(changes: Changes, kind: type[Any]) -> Iterator[Any]:
    yield from changes.new.get(kind, ())
    yield from changes.updated.get(kind, ())


def _job_news(job: Job) -> JobNews:
    return JobNews(
        partition=job.partition,
        id=job.id,
        process_id=job.process_id,
        process_instance_id=job.process_instance_id,
        type=job.type.value,
        bpmn_element_id=job.bpmn_element_id,
        bpmn_process_id=job.token.instance.bpmn_process_id if job.token else None,
        task_type=job.token.node.task_type if job.token else None,
    )


def encode(news: News, sender: int) -> str:
    """As text for the other processes, which says less where it would become too long: PostgreSQL cuts at 8000."""
    found = {
        "from": sender,
        "jobs": news.jobs,
        "happened": [*news.happened],
        "anything": news.anything,
        "due": news.due,
    }
    text = orjson.dumps(found, default=tuple)
    if len(text) > LONGEST:
        text = orjson.dumps({**found, "jobs": [], "happened": [], "anything": True})
    return text.decode()


def decode(text: str) -> tuple[int, News]:
    """The sender and its news. Raises NoNews for a text that no process of this version has sent."""
    try:
        found = orjson.loads(text)
        jobs = [JobNews(date.fromisoformat(day), *rest) for day, *rest in found["jobs"]]
        happened = {Happening(kind, day and date.fromisoformat(day), id) for kind, day, id in found["happened"]}
        due = found["due"] and datetime.fromisoformat(found["due"])
        return found["from"], News(jobs, happened, bool(found["anything"]), due)
    except (KeyError, TypeError, ValueError) as error:
        raise NoNews from error
