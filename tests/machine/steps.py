"""The steps of a play as data: the name of a method of the player, and its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.machine.models import models
from tests.machine.picture import KEYS, MESSAGES, PROCESS_IDS, SIGNALS
from tests.machine.player import PERIODS

Step = tuple[str, dict[str, Any]]

PICK = st.integers(0, 20)
LUCK = st.integers(0, 2**20)
WORKER = st.sampled_from(("w1", "w2"))
LIMIT = st.sampled_from((100, 100, 100, 2, 1))
PARALLELISM = st.sampled_from((0, 0, 1, 2))
HOW = (*("right",) * 6, "throw", "escalate", "error", "wrong")
BY = ("", "id", "instance")

ARGUMENTS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "deploy": {"model": models(), "parallelism": PARALLELISM},
    "deploy_again": {"pick": PICK},
    "start": {"pick": PICK, "luck": LUCK},
    "work": {"limit": LIMIT, "how": st.sampled_from(HOW), "luck": LUCK},
    "lock": {"worker": WORKER, "limit": LIMIT, "by": st.sampled_from((*BY, "processes")), "pick": PICK},
    "complete": {"pick": PICK, "how": st.sampled_from((*HOW, "stranger", "unlocked")), "luck": LUCK},
    "unlock": {"worker": WORKER, "by": st.sampled_from(("", "id")), "pick": PICK},
    "happen": {"luck": LUCK},
    "execute": {"limit": LIMIT, "by": st.sampled_from(("", "", *BY, "type")), "pick": PICK},
    "unlock_tasks": {},
    "look": {},
    "advance": {"by": st.sampled_from(tuple(PERIODS))},
    "send_message": {
        "name": st.sampled_from((*MESSAGES, *(f"start-{process_id}" for process_id in PROCESS_IDS))),
        "key": st.sampled_from(KEYS),
        "unique": st.sampled_from(("", "u1")),
        "expires": st.sampled_from(("", "PT1H")),
        "luck": LUCK,
    },
    "send_signal": {"name": st.sampled_from(SIGNALS), "luck": LUCK},
    "steer": {"verb": st.sampled_from(("suspend", "resume", "resume", "suspend", "cancel")), "pick": PICK},
    "resolve": {"pick": PICK, "retry_timer": st.sampled_from(("", "PT1H"))},
    "set_variables": {"pick": PICK, "luck": LUCK},
    "select": {"pick": PICK, "luck": LUCK},
    "update_user_task": {
        "pick": PICK,
        "how": st.sampled_from(("complete", "complete", "tag", "throw", "escalate", "both", "stale")),
        "luck": LUCK,
    },
}

MOVES = ("work", "work", "work", "happen", "happen", "execute", "execute", "update_user_task")
DETAILS = (
    "lock",
    "complete",
    "complete",
    "unlock",
    "resolve",
    "set_variables",
    "select",
    "update_user_task",
    "unlock_tasks",
    "look",
)
OPERATION = ("start", "start", "start", "deploy", "deploy_again", "steer", "steer", "steer")
EVENTS = ("send_message", "send_message", "send_signal", "advance")
ALL = (*MOVES, *MOVES, *DETAILS, *OPERATION, *EVENTS)


@st.composite
def steps(draw: Callable[[st.SearchStrategy[Any]], Any], names: Sequence[str]) -> Step:
    name = draw(st.sampled_from(names))
    return name, {argument: draw(strategy) for argument, strategy in ARGUMENTS[name].items()}
