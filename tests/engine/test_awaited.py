"""What is kept of events with several definitions is read as it was written."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.awaited import Awaited, Progress
from app.timer import Timer

TIMERS = st.one_of(
    st.builds(
        Timer, time=st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(lambda t: t.replace(microsecond=0))
    ),
    st.builds(Timer, time_cycle=st.just("R3/PT1H"), repetitions=st.integers(1, 9)),
    st.builds(Timer, time_duration=st.just("PT1H")),
)
AWAITED = st.one_of(
    st.builds(Awaited, name=st.text(min_size=1), correlation_key=st.text()), st.builds(Awaited, timer=TIMERS)
)


@given(
    st.builds(
        Progress,
        happened=st.integers(0, 2**70),
        true=st.integers(0, 2**70),
        known=st.dictionaries(st.integers(0, 70), AWAITED, max_size=3),
        raised=st.dictionaries(st.sampled_from(["errorCode", "escalationCode"]), st.text()),
    )
)
def test_progress_is_kept_as_text(progress: Progress):
    assert Progress.of(progress.context) == progress


@pytest.mark.parametrize("context", [None, "", "true", "an order"])
def test_an_event_that_is_not_armed_has_made_none(context: str | None):
    assert Progress.of(context) is None


def test_nothing_is_kept_but_what_there_is():
    assert Progress(happened=1).context == "parts:1"
