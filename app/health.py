"""Whether the system is well: what is known about it, judged. Nothing here asks anybody for anything.

Each finding says what is so, since when or how much, and what helps. What is in order is a finding, too: it tells what
was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from app.config import Config
from app.store import ApiKey, Facts, Node
from app.store.nodes import ALIVE, alive


class HealthLevel(StrEnum):
    OK = "OK"
    WARN = "WARN"
    ERROR = "ERROR"


LEVELS = tuple(HealthLevel)
"""From good to bad."""


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    """What was looked at; one word that stays the same."""
    level: HealthLevel
    title: str
    detail: str = ""
    hint: str = ""
    """What helps: a command, an option or a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is judged."""

    config: Config
    facts: Facts
    newest_revision: str
    nodes: Sequence[Node]
    """The service processes that have a row, also those that have died."""
    keys: Sequence[ApiKey]
    unreadable: int = 0
    """Encrypted values among the newest ones that none of the keys decrypts."""
    encrypted: int = 0
    """How many values these are a part of."""
    now: datetime
    """Engine time."""
    clock: datetime
    """By which processes write their rows: the clock of the database where there is one."""
    machine_time: datetime
    """UTC by the clock of this machine."""


NO_EXECUTOR = timedelta(seconds=60)
LATE = timedelta(minutes=1)
VERY_LATE = timedelta(minutes=10)
UNWANTED = timedelta(minutes=15)
"""Jobs that are due for longer seem to have no worker."""
SKEW = timedelta(seconds=2)
SOON = timedelta(days=14)
FREE_WARN, FREE_ERROR = 1024**3, 100 * 1024**2
WAL_WARN = 512 * 1024**2
MOST_NAMED = 5


def unreachable(detail: str) -> list[Finding]:
    """What is found when the database does not answer."""
    hint = "look at the server and BPMN_DATABASE_URL; the service goes on by itself when it is back"
    return [Finding("database", HealthLevel.ERROR, "The database can't be used", detail, hint)]


def unreadable(detail: str) -> list[Finding]:
    """What is found when the database answers, but not with what was asked for."""
    hint = "look whether a table is missing, and what the user in BPMN_DATABASE_URL may do"
    return [Finding("database", HealthLevel.ERROR, "The database can't be read", detail, hint)]


def outdated(detail: str, *, is_newer: bool = False) -> list[Finding]:
    """What is found when the tables are not those of this version; `is_newer` tells that it does not know them."""
    hint = "use the version of py-bpmn that has migrated the database" if is_newer else "py-bpmn migrate"
    return [
        Finding("database", HealthLevel.OK, "The database answers"),
        Finding("schema", HealthLevel.ERROR, "The tables are not those of this version", detail, hint),
    ]


def judge(known: Known) -> list[Finding]:
    """All findings, the worst first, else in the order in which things are looked at."""
    found = [Finding("database", HealthLevel.OK, "The database answers")]
    for look in _LOOKS:
        found += look(known)
    return sorted(found, key=lambda finding: -LEVELS.index(finding.level))


def status(findings: Sequence[Finding]) -> HealthLevel:
    """The worst level among them."""
    return max((finding.level for finding in findings), key=LEVELS.index, default=HealthLevel.OK)


def _schema(known: Known) -> Iterator[Finding]:
    revision = known.facts.revision
    if revision == known.newest_revision:
        yield Finding("schema", HealthLevel.OK, f"The tables are those of this version, revision {revision}")
        return
    detail = f"the database has revision {revision or 'none'}, this version {known.newest_revision}"
    yield Finding("schema", HealthLevel.ERROR, "The tables are not those of this version", detail, "py-bpmn migrate")


def _clock(known: Known) -> Iterator[Finding]:
    if known.facts.database_time is not None:
        ahead = known.facts.database_time - known.machine_time
        if abs(ahead) > SKEW:
            detail = f"the database is {_span(abs(ahead))} {'ahead' if ahead > timedelta(0) else 'behind'}"
            hint = "set both clocks by NTP; engine time follows the database"
            yield Finding("clock", HealthLevel.WARN, "This machine and the database differ in time", detail, hint)
        else:
            yield Finding("clock", HealthLevel.OK, "This machine and the database agree on the time")
    if known.facts.offset_ms:
        detail = f"it is {_span(timedelta(milliseconds=known.facts.offset_ms))} ahead, and never goes back"
        hint = "moving engine time (PATCH /time) is for tests: use another database in production"
        yield Finding("engine-time", HealthLevel.WARN, "Engine time was moved", detail, hint)


def _executor(known: Known) -> Iterator[Finding]:
    nodes = alive(known.nodes, known.clock)
    if not nodes:
        hint = "py-bpmn serve"
        yield Finding("nodes", HealthLevel.WARN, "No service process is running", _last_seen(known), hint)
    else:
        versions = sorted({node.version or "unknown" for node in nodes})
        if len(versions) > 1:
            detail = ", ".join(f"{version}: {sum(node.version == version for node in nodes)}" for version in versions)
            hint = "replace those of the older version once the newer one is well"
            yield Finding("nodes", HealthLevel.WARN, "Processes of several versions are running", detail, hint)
        else:
            yield Finding(
                "nodes", HealthLevel.OK, f"{_count(len(nodes), 'service process', 'es')} of {versions[0]} running"
            )
    seen = [node.executor_seen for node in known.nodes if node.executor and node.executor_seen]
    limit = max(NO_EXECUTOR, timedelta(seconds=known.config.task_executor_interval)) + ALIVE
    if seen and known.clock - max(seen) <= limit:
        yield Finding("executor", HealthLevel.OK, "Due tasks are looked for")
        return
    detail = f"one was last seen {_span(known.clock - max(seen))} ago" if seen else "none was seen within the hour"
    hint = "run py-bpmn serve with BPMN_TASK_EXECUTOR_ENABLED=true; timers, joins and triggers wait for it"
    yield Finding("executor", HealthLevel.ERROR, "No executor looks for due tasks", detail, hint)


def _last_seen(known: Known) -> str:
    if not known.nodes:
        return "none was seen within the hour"
    return f"one was last seen {_span(known.clock - max(node.last_seen for node in known.nodes))} ago"


def _tasks(known: Known) -> Iterator[Finding]:
    overdue = known.facts.tasks_overdue
    since = known.now - overdue.since if overdue.since else timedelta(0)
    if since <= LATE:
        yield Finding("tasks", HealthLevel.OK, "No task is overdue")
        return
    level = HealthLevel.ERROR if since > VERY_LATE else HealthLevel.WARN
    detail = f"{_count(overdue.count, 'task')} should have been executed, the first one {_span(since)} ago"
    hint = "if an executor is running, look at the log and the CPU; more service processes execute more tasks"
    yield Finding("tasks", level, "Tasks are overdue", detail, hint)


def _jobs(known: Known) -> Iterator[Finding]:
    due, lost = known.facts.jobs_due, known.facts.locked_without_lease
    since = known.now - due.since if due.since else timedelta(0)
    if since > UNWANTED:
        detail = f"{_count(due.count, 'job')} waiting, the first one for {_span(since)}"
        hint = "start the workers for them: POST /jobs/query with open work tells types and elements"
        yield Finding("jobs", HealthLevel.WARN, "Jobs are due that nobody takes", detail, hint)
    else:
        yield Finding("jobs", HealthLevel.OK, f"{_count(due.count, 'job')} due, {known.facts.jobs_locked} locked")
    if lost.count and lost.since:
        detail = f"{_count(lost.count, 'job')}, the first one for {_span(known.now - lost.since)}"
        hint = "POST /jobs/unlock with the workerId of a worker that has died; let workers lock with a lockTimeout"
        yield Finding(
            "locks", HealthLevel.WARN, "Jobs have been locked for more than an hour, for no limited time", detail, hint
        )
    if known.facts.ended_leases:
        detail = f"{_count(known.facts.ended_leases, 'job')} that workers have not completed in time"
        hint = "an executor gives them back: BPMN_TASK_EXECUTOR_ENABLED"
        yield Finding("leases", HealthLevel.WARN, "Leases have ended, and jobs were not given back", detail, hint)


def _incidents(known: Known) -> Iterator[Finding]:
    incidents = known.facts.incidents
    if not incidents:
        yield Finding("incidents", HealthLevel.OK, "There is no open incident")
        return
    hint = "POST /incidents/query tells what failed; resolve them once the reason is gone"
    title = f"{_count(sum(incidents.values()), 'incident')} open"
    yield Finding("incidents", HealthLevel.WARN, title, _named(incidents), hint)


def _days(known: Known) -> Iterator[Finding]:
    if known.facts.days is None:
        return
    config, today = known.config, known.now.date()
    days = set(known.facts.days)
    wanted = [today + timedelta(days=n) for n in range(config.partition_ahead_days + 1)]
    missing = [day for day in wanted if day not in days]
    if missing:
        level = HealthLevel.ERROR if missing[0] <= today + timedelta(days=1) else HealthLevel.WARN
        hint = "an executor creates them; starting a service does so, too"
        yield Finding("days", level, "Days to come are not there", _listed(missing), hint)
    late = _late(days, today, config.partition_retention_days)
    if late:
        hint = "a day with an instance that has not ended stays: POST /process-instances/query with its partition"
        detail = f"{_listed(late)}; days are to be kept for {config.partition_retention_days}"
        yield Finding("retention", HealthLevel.WARN, f"{_count(len(late), 'day')} older than asked for", detail, hint)
    if not missing and not late:
        title = f"{_count(len(days), 'day')} attached, {known.facts.detached_days} detached"
        yield Finding("days", HealthLevel.OK, title)


def _late(days: set[date], today: date, retention: int | None) -> list[date]:
    """Those that should have been detached the day before yesterday."""
    return [] if retention is None else sorted(day for day in days if (today - day).days >= retention + 2)


def _keys(known: Known) -> Iterator[Finding]:
    soon = [(key, key.expires_at) for key in known.keys if key.expires_at and key.expires_at - known.clock < SOON]
    if soon:
        named = [f"{key.secret_id} on {at:%Y-%m-%d}" for key, at in sorted(soon, key=lambda each: each[1])]
        hint = "py-bpmn api-key create, give it to the client, then py-bpmn api-key revoke"
        detail = _some(named)
        yield Finding("api-keys", HealthLevel.WARN, "API keys expire within 14 days, or have expired", detail, hint)
    else:
        yield Finding("api-keys", HealthLevel.OK, "No API key expires within 14 days")


def _values(known: Known) -> Iterator[Finding]:
    if known.unreadable:
        detail = f"{known.unreadable} of the newest {known.encrypted} encrypted ones"
        hint = "add the key with which they were encrypted to BPMN_ENCRYPTION_KEYS, behind the one in use"
        yield Finding("encryption", HealthLevel.ERROR, "Values can't be decrypted: their key is missing", detail, hint)
    elif known.encrypted:
        yield Finding("encryption", HealthLevel.OK, f"The newest {known.encrypted} encrypted values can be read")


def _files(known: Known) -> Iterator[Finding]:
    files = known.facts.files
    if files is None:
        return
    detail = f"{files.path} has {_size(files.size)}, its log {_size(files.wal)}; {_size(files.free)} are free"
    if files.free < FREE_WARN:
        level = HealthLevel.ERROR if files.free < FREE_ERROR else HealthLevel.WARN
        yield Finding("disk", level, "The disk of the database is almost full", detail, "make room on the disk")
    elif files.wal > WAL_WARN:
        hint = "end readers from outside that keep a transaction open, such as a forgotten sqlite3 shell"
        yield Finding("disk", HealthLevel.WARN, "The write-ahead log of SQLite is not cut back", detail, hint)
    else:
        yield Finding("disk", HealthLevel.OK, "There is room for the database", detail)


_LOOKS = (_schema, _clock, _executor, _tasks, _jobs, _incidents, _days, _keys, _values, _files)


def _count(number: int, noun: str, ending: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else ending}"


def _named(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return _some([f"{name or '(no process)'}: {count}" for name, count in ordered])


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - MOST_NAMED
    return ", ".join(texts[:MOST_NAMED]) + (f", and {more} more" if more > 0 else "")


def _listed(days: Sequence[date]) -> str:
    return _some([day.isoformat() for day in days])


def _span(span: timedelta) -> str:
    """A length of time in its two largest units."""
    left = max(0, int(span.total_seconds()))
    parts = []
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, left = divmod(left, seconds)
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts[:2]) or "0s"


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
