"""Timestamps, durations, cron expressions and timers: what is read, what is refused, and which instant comes out."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cron import MAX_CRON_LENGTH, TimerError, check_cron, next_tick
from app.timer import (
    Timer,
    add_duration,
    check_duration,
    counts_from_first_due,
    first_due,
    format_timestamp,
    next_due,
    parse_timestamp,
    parse_xml_timer,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


NOW = at("2026-11-29T22:00:45.411")  # a Sunday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-29T22:00:45Z", "2026-11-29T22:00:45"),
        ("2026-11-29T22:00:45.4Z", "2026-11-29T22:00:45.400"),
        ("2026-11-29T22:00:45.41199999999999999999999Z", "2026-11-29T22:00:45.411"),
        ("2026-11-29T22:00:45.0005Z", "2026-11-29T22:00:45"),
        ("2026-11-29T22:00:45.999999999+02:00", "2026-11-29T20:00:45.999"),
        ("2026-12-31T22:30:00-05:45", "2027-01-01T04:15:00"),
        ("2026-11-29T22:00:45-00:00", "2026-11-29T22:00:45"),
        ("2028-02-29T00:00:00+23:59", "2028-02-28T00:01:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999"),
    ],
)
def test_timestamps_become_utc_cut_to_milliseconds(text, expected):
    assert parse_timestamp(text) == at(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-29",
        "2026-11-29T22:00:45",
        "2026-11-29T22:00Z",
        "2026-11-29T22:00:45+0200",
        "2026-11-29T22:00:45+02",
        "2026-11-29T22:00:45+24:00",
        "2026-11-29T22:00:45+01:60",
        "2026-11-29t22:00:45Z",
        "2026-11-29T22:00:45z",
        "2026-11-29 22:00:45Z",
        "2026-11-29T24:00:00Z",
        "2026-11-29T23:59:60Z",
        "2026-11-29T23:60:00Z",
        "2026-11-31T22:00:45Z",
        "2027-02-29T22:00:45Z",
        "2026-13-01T22:00:45Z",
        "2026-11-29T22:00:45.Z",
        "2026-11-29T22:00:45,5Z",
        "26-11-29T22:00:45Z",
        "+2026-11-29T22:00:45Z",
        "٢٠٢٦-11-29T22:00:45Z",
        " 2026-11-29T22:00:45Z",
        "2026-11-29T22:00:45Z\n",
        "0000-12-31T22:00:45Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "\ud800",
    ],
)
def test_other_timestamps_are_refused(text):
    with pytest.raises(TimerError):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-29T22:00:58.888", "2026-11-29T22:00:58.888Z"),
        ("2026-11-29T22:00:58.870", "2026-11-29T22:00:58.87Z"),
        ("2026-11-29T22:00:58.800", "2026-11-29T22:00:58.8Z"),
        ("2026-11-29T22:00:58.008", "2026-11-29T22:00:58.008Z"),
        ("2026-11-29T22:00:00", "2026-11-29T22:00:00Z"),
        ("0987-10-10T10:10:10", "0987-10-10T10:10:10Z"),
    ],
)
def test_timestamps_are_written_without_trailing_zeros(value, expected):
    assert format_timestamp(at(value)) == expected


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        ("2026-11-29T22:00:45.411", "P1Y2M3W4DT5H6M7S", "2028-02-24T03:06:52.411"),
        ("2026-11-29T22:00:45.411", "PT1H", "2026-11-29T23:00:45.411"),
        ("2026-11-29T22:00:45.411", "PT0S", "2026-11-29T22:00:45.411"),
        ("2026-11-29T22:00:45.411", "P0Y", "2026-11-29T22:00:45.411"),
        ("2026-11-29T22:00:45.411", "P1D", "2026-11-30T22:00:45.411"),
        ("2026-11-29T22:00:45.411", "P1W", "2026-12-06T22:00:45.411"),
        ("2026-11-29T22:00:45.411", "P1WT1H", "2026-12-06T23:00:45.411"),
        ("2026-11-29T22:00:45.411", "PT26H90M", "2026-12-01T01:30:45.411"),
        ("2026-11-29T22:00:45.411", "PT00000060S", "2026-11-29T22:01:45.411"),
        ("2026-11-29T22:00:45.411", "P13M", "2027-12-29T22:00:45.411"),
        ("2026-01-31T08:00:00", "P1M", "2026-02-28T08:00:00"),
        ("2028-01-31T08:00:00", "P1M", "2028-02-29T08:00:00"),
        ("2026-08-31T08:00:00", "P6M", "2027-02-28T08:00:00"),
        ("2026-10-31T08:00:00", "P1M", "2026-11-30T08:00:00"),
        ("2028-02-29T08:00:00", "P1Y", "2029-02-28T08:00:00"),
        ("2028-02-29T08:00:00", "P4Y", "2032-02-29T08:00:00"),
        ("2026-01-31T08:00:00", "P1M1D", "2026-03-01T08:00:00"),
        ("2026-01-31T23:00:00", "P1MT2H", "2026-03-01T01:00:00"),
        ("2026-01-01T00:00:00", "P7973Y", "9999-01-01T00:00:00"),
        ("9999-12-31T23:59:59", "PT0S", "9999-12-31T23:59:59"),
    ],
)
def test_durations_are_added_by_calendar_and_clock(start, duration, expected):
    check_duration(duration)
    assert add_duration(at(start), duration) == at(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "1D",
        "PT1.5S",
        "PT1,5S",
        "P0.5Y",
        "-PT1H",
        "+PT1H",
        "P-1D",
        "pt1h",
        "PT1h",
        "P1H",
        "PT1D",
        "P1S",
        "PT1M1H",
        "P1D1W",
        "P1D1D",
        "P1",
        " PT1H",
        "PT1H ",
        "PT1H\n",
        "PT\u0661H",
        "P2026-01-01T00:00:00",
        "P20260101T000000",
        "R3/PT1H",
        "0 * * * *",
        "PT" + "9" * 19 + "S",
        pytest.param("PT" + "9" * 1_000_000 + "S", id="a million digits"),
    ],
)
def test_other_durations_are_refused(text):
    with pytest.raises(TimerError, match="is not an ISO 8601 duration"):
        check_duration(text)
    with pytest.raises(TimerError, match="is not an ISO 8601 duration"):
        add_duration(NOW, text)


@pytest.mark.parametrize(
    "text",
    [
        "P7974Y",
        "P95685M",
        "P416018W",
        "PT251625931155S",
        "P999999999999999999Y",
        "P999999999999999999M",
        "P999999999999999999W",
        "P999999999999999999D",
        "PT999999999999999999H",
        "PT999999999999999999S",
        "P999999999999999999YT999999999999999999S",
    ],
)
def test_well_formed_durations_must_stay_before_the_year_10000(text):
    check_duration(text)
    with pytest.raises(TimerError, match="leaves the years 1 to 9999"):
        add_duration(NOW, text)


def test_messages_about_durations_stay_short_and_printable():
    with pytest.raises(TimerError) as long:
        check_duration("\ud800" + "9" * 10_000)
    assert len(str(long.value)) < 200
    assert str(long.value).encode()


FIRST_TICKS = [
    # five fields
    ("* * * * *", NOW, "2026-11-29T22:01:00"),
    ("0 * * * *", NOW, "2026-11-29T23:00:00"),
    ("5 4 * * *", NOW, "2026-11-30T04:05:00"),
    ("05 04 * * *", NOW, "2026-11-30T04:05:00"),
    ("59 23 31 12 *", NOW, "2026-12-31T23:59:00"),
    ("0 0 29 2 *", NOW, "2028-02-29T00:00:00"),
    ("? ? ? ? ?", NOW, "2026-11-29T22:01:00"),
    ("  0 \t *  * *\n* ", NOW, "2026-11-29T23:00:00"),
    # six and seven fields
    ("50 * * * * *", NOW, "2026-11-29T22:00:50"),
    ("45 * * * * *", NOW, "2026-11-29T22:01:45"),
    ("*/20 * * * * *", NOW, "2026-11-29T22:01:00"),
    ("0 12 1 1 * 2028", NOW, "2028-01-01T12:00:00"),
    ("0 12 1 1 * 2020,2029,2028", NOW, "2028-01-01T12:00:00"),
    ("0 12 1 1 * 2020-2030", NOW, "2027-01-01T12:00:00"),
    ("0 12 1 1 * 2020/4", NOW, "2028-01-01T12:00:00"),
    ("0 12 1 1 * 2021-2040/5", NOW, "2031-01-01T12:00:00"),
    ("0 0 29 2 * 2098-2110", NOW, "2104-02-29T00:00:00"),
    ("0 0 1 1 * 2026,2037", NOW, "2037-01-01T00:00:00"),
    ("0 0 29 2 * 2027,2044", NOW, "2044-02-29T00:00:00"),
    ("0 0 0 * * 1,3,5", NOW, "2026-11-30T00:00:00"),
    ("30 15 10 * * MON 2026-2027", NOW, "2026-11-30T10:15:30"),
    ("0 0 0 1 1 * */3", NOW, "2028-01-01T00:00:00"),
    ("0 0 0 1 1 * 0/3", NOW, "2028-01-01T00:00:00"),
    ("0 0 0 1 1 * 2027/100", NOW, "2027-01-01T00:00:00"),
    ("0 0 0 1 1 ? ?", NOW, "2027-01-01T00:00:00"),
    ("59 59 23 31 12 * 9999", NOW, "9999-12-31T23:59:59"),
    # steps, ranges, lists, names
    ("0/20 * * * *", NOW, "2026-11-29T22:20:00"),
    ("*/7 * * * *", NOW, "2026-11-29T22:07:00"),
    ("7/20 * * * *", NOW, "2026-11-29T22:07:00"),
    ("7/20 * * * *", at("2026-11-29T22:47:00"), "2026-11-29T23:07:00"),
    ("10-50/15 * * * *", at("2026-11-29T22:25:00"), "2026-11-29T22:40:00"),
    ("10-50/15 * * * *", at("2026-11-29T22:40:00"), "2026-11-29T23:10:00"),
    ("*/100 * * * *", NOW, "2026-11-29T23:00:00"),
    ("55,3,10-12 * * * *", NOW, "2026-11-29T22:03:00"),
    ("55,3,10-12 * * * *", at("2026-11-29T22:11:00"), "2026-11-29T22:12:00"),
    ("0 0 */5 * *", NOW, "2026-12-01T00:00:00"),
    ("0 0 0/5 * *", at("2026-12-01T00:00:00"), "2026-12-05T00:00:00"),
    ("0 0 3/10 * *", NOW, "2026-12-03T00:00:00"),
    ("0 0 1 */6 *", NOW, "2027-01-01T00:00:00"),
    ("0 0 1 0/6 *", NOW, "2026-12-01T00:00:00"),
    ("0 0 1 feb-Apr *", NOW, "2027-02-01T00:00:00"),
    ("0 0 1 JUN,MAR *", NOW, "2027-03-01T00:00:00"),
    ("0 0 * * tue", NOW, "2026-12-01T00:00:00"),
    ("0 0 * * Wed-FRI", NOW, "2026-12-02T00:00:00"),
    ("0 0 * * 0", NOW, "2026-12-06T00:00:00"),
    ("0 0 * * 7", NOW, "2026-12-06T00:00:00"),
    ("0 0 * * 5-7", NOW, "2026-12-04T00:00:00"),
    ("0 0 * * 5-7", at("2026-12-05T00:00:00"), "2026-12-06T00:00:00"),
    ("0 0 * * 3/2", at("2026-12-04T00:00:00"), "2026-12-06T00:00:00"),
    ("0 0 * * */3", NOW, "2026-12-02T00:00:00"),
    # last days, nearest weekdays, weekdays counted within the month
    ("0 0 L * *", NOW, "2026-11-30T00:00:00"),
    ("0 0 l 2 *", NOW, "2027-02-28T00:00:00"),
    ("0 0 L 2 *", at("2028-01-01T00:00:00"), "2028-02-29T00:00:00"),
    ("0 0 5,L * *", at("2026-11-30T00:00:00"), "2026-12-05T00:00:00"),
    ("0 0 15W * *", NOW, "2026-12-15T00:00:00"),
    ("0 0 15W 8 *", at("2026-08-01T00:00:00"), "2026-08-14T00:00:00"),
    ("0 0 15w 11 *", at("2026-11-01T00:00:00"), "2026-11-16T00:00:00"),
    ("0 0 1W 8 *", at("2026-07-31T00:00:00"), "2026-08-03T00:00:00"),
    ("0 0 31W 5 *", at("2026-05-01T00:00:00"), "2026-05-29T00:00:00"),
    ("0 0 31W 2 *", at("2026-02-01T00:00:00"), "2026-02-27T00:00:00"),
    ("0 0 1W,15W * *", at("2026-12-01T00:00:00"), "2026-12-15T00:00:00"),
    ("0 0 * * 5L", NOW, "2026-12-25T00:00:00"),
    ("0 0 * * 1L", at("2026-11-01T00:00:00"), "2026-11-30T00:00:00"),
    ("0 0 * * friL", NOW, "2026-12-25T00:00:00"),
    ("0 0 * * 7L", NOW, "2026-12-27T00:00:00"),
    ("0 0 * * 0L", NOW, "2026-12-27T00:00:00"),
    ("0 0 * * 1#2", NOW, "2026-12-14T00:00:00"),
    ("0 0 * * MON#2", NOW, "2026-12-14T00:00:00"),
    ("0 0 * * 7#1", NOW, "2026-12-06T00:00:00"),
    ("0 0 * * 5#5", NOW, "2027-01-29T00:00:00"),
    ("0 0 * * 1#2,3", NOW, "2026-12-02T00:00:00"),
    ("0 0 * * 1#2,5L,3", at("2026-12-23T00:00:00"), "2026-12-25T00:00:00"),
    # day and weekday: either suffices
    ("0 0 13 * 5", NOW, "2026-12-04T00:00:00"),
    ("0 0 13 * 5", at("2026-12-11T00:00:00"), "2026-12-13T00:00:00"),
    ("0 0 L * MON", NOW, "2026-11-30T00:00:00"),
    ("0 0 15W * 1#1", NOW, "2026-12-07T00:00:00"),
    ("0 0 31 2 WED", NOW, "2027-02-03T00:00:00"),
    # day and weekday: both must match
    ("0 0 */2 * 1", NOW, "2026-12-07T00:00:00"),
    ("0 0 *,13 * 5", NOW, "2026-12-04T00:00:00"),
    ("0 0 13 * */5", NOW, "2026-12-13T00:00:00"),
    ("0 0 13 * */5", at("2026-12-13T00:00:00"), "2027-06-13T00:00:00"),
    ("0 0 ? * 1", NOW, "2026-11-30T00:00:00"),
    ("0 0 13 * ?", NOW, "2026-12-13T00:00:00"),
    ("0 0 */28 2 2", NOW, "2028-02-01T00:00:00"),
    # macros
    ("@yearly", NOW, "2027-01-01T00:00:00"),
    ("@annually", NOW, "2027-01-01T00:00:00"),
    ("@monthly", NOW, "2026-12-01T00:00:00"),
    ("@weekly", NOW, "2026-12-06T00:00:00"),
    ("@daily", NOW, "2026-11-30T00:00:00"),
    ("@hourly", NOW, "2026-11-29T23:00:00"),
    ("@always", NOW, "2026-11-29T22:01:00"),
    ("@5minutes", NOW, "2026-11-29T22:05:00"),
    ("@10minutes", NOW, "2026-11-29T22:10:00"),
    ("@15minutes", NOW, "2026-11-29T22:15:00"),
    ("@30minutes", NOW, "2026-11-29T22:30:00"),
    ("@everysecond", NOW, "2026-11-29T22:00:46"),
    (" @DAILY ", NOW, "2026-11-30T00:00:00"),
    # the reference itself never counts
    ("0 * * * *", at("2026-11-29T23:00:00"), "2026-11-30T00:00:00"),
    ("0 * * * *", at("2026-11-29T22:59:59.999"), "2026-11-29T23:00:00"),
    ("0 * * * *", at("2026-11-29T23:00:00.001"), "2026-11-30T00:00:00"),
    ("* * * * * *", at("2026-12-31T23:59:59"), "2027-01-01T00:00:00"),
    ("0 0 0 * * *", at("0001-01-01T00:00:00"), "0001-01-02T00:00:00"),
]


@pytest.mark.parametrize(("text", "after", "expected"), FIRST_TICKS)
def test_next_tick_is_the_first_one_later_than_the_reference(text, after, expected):
    check_cron(text)
    assert next_tick(text, after) == at(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "* * * *",
        "* * * * * * * *",
        "@foo",
        "@",
        "@reboot",
        "@daily *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 0 *",
        "* * * 13 *",
        "* * * * 8",
        "60 * * * * *",
        "* * * * * * 10000",
        "-1 * * * *",
        "1.5 * * * *",
        "1- * * * *",
        "-5 * * * *",
        "5-1 * * * *",
        "* * * * FRI-SUN",
        "* * * * 6-0",
        "0 0 1 1 * 2020-2019",
        "*/0 * * * *",
        "1/0 * * * *",
        "*/ * * * *",
        "*/x * * * *",
        "*/-1 * * * *",
        "*-5 * * * *",
        "?/5 * * * *",
        "** * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        ", * * * *",
        ",1 * * * *",
        "1, * * * *",
        "1,,2 * * * *",
        "1,60 * * * *",
        "*,60 * * * *",
        "0-70/5 * * * *",
        "MON * * * *",
        "* * * MON *",
        "* * * * JAN",
        "* * * JANUARY *",
        "* * * * Sunday",
        "L * * * *",
        "* * * L *",
        "* * LW * *",
        "* * L-3 * *",
        "* * L/2 * *",
        "* * 5L * *",
        "* * W * *",
        "* * 0W * *",
        "* * 32W * *",
        "* * 1-5W * *",
        "* * * * 15W",
        "* * * * L",
        "* * * * 8L",
        "* * * * JANL",
        "* * * * 8#1",
        "* * * * 1#0",
        "* * * * 1#6",
        "* * * * #1",
        "* * * * 1#",
        "* * 1#1 * *",
        "H * * * *",
        "R * * * *",
        "\u0661 * * * *",
        "\uff11 * * * *",
        "* * * * \u017fun",
        "*\u00a0* * * *",
        "* * * * *\0",
        "\ud800 * * * *",
        "PT1H",
        "R3/PT1H",
        "R/PT1H",
        "2026-11-29T22:00:45Z",
    ],
)
def test_other_cron_expressions_are_refused(text):
    with pytest.raises(TimerError, match="is not a cron expression"):
        check_cron(text)
    with pytest.raises(TimerError, match="is not a cron expression"):
        next_tick(text, NOW)


def test_a_refused_cron_expression_names_the_part_that_is_wrong():
    with pytest.raises(
        TimerError, match=r"^'61 \* \* \* \*' is not a cron expression: minute 61 is not within 0 to 59$"
    ):
        check_cron("61 * * * *")


def test_cron_expressions_have_a_length_limit():
    longest = "0 * * * *".ljust(MAX_CRON_LENGTH)
    check_cron(longest)
    with pytest.raises(TimerError, match="has 257 characters, 256 are allowed"):
        check_cron(longest + " ")
    with pytest.raises(TimerError, match="has 1000009 characters"):
        check_cron("0," * 500_000 + "0 * * * *")


@pytest.mark.parametrize(
    "text",
    [
        "0 0 31 2 *",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 1 1 * 2020",
        "0 0 1 1 * 1970-2026",
        "0 0 29 2 * 2027",
        "0 0 29 2 * 2101-9999/2",
        "0 0 29 2 * 2100",
        "0 0 0 ? 2 1#5 2027",
        "0 0 0 1 1 * 0",
        "0 0 0/32 * *",
        "0 0 1 0/13 *",
        "0 0 */31 2 1#3",
    ],
)
def test_a_cron_expression_without_a_tick_cannot_be_evaluated(text):
    check_cron(text)
    with pytest.raises(TimerError, match="cannot be evaluated"):
        next_tick(text, NOW)


def test_there_is_no_tick_after_the_year_9999():
    assert next_tick("* * * * * *", at("9999-12-31T23:59:58.500")) == at("9999-12-31T23:59:59")
    with pytest.raises(TimerError, match="cannot be evaluated"):
        next_tick("* * * * * *", at("9999-12-31T23:59:59"))


@st.composite
def cron_fields(draw, low, high):
    """One field as text, and the numbers it means."""
    everything = range(low, high + 1)
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    step = draw(st.integers(1, high))
    other = draw(st.integers(low, high))
    return draw(
        st.sampled_from(
            [
                ("*", set(everything)),
                (f"{first}", {first}),
                (f"{first},{other}", {first, other}),
                (f"{first}-{last}", {number for number in everything if first <= number <= last}),
                (f"*/{step}", {number for number in everything if (number - low) % step == 0}),
            ]
        )
    )


def slow_next_tick(after, minutes, hours, is_day):
    for days in range(12 * 366):
        day = after.date() + timedelta(days=days)
        if not is_day(day):
            continue
        for minute in range(24 * 60):
            tick = datetime(day.year, day.month, day.day, minute // 60, minute % 60)
            if tick > after and tick.hour in hours and tick.minute in minutes:
                return tick
    raise AssertionError("no tick within twelve years")


@settings(max_examples=150)
@given(
    minute=cron_fields(0, 59),
    hour=cron_fields(0, 23),
    day=cron_fields(1, 28),
    month=cron_fields(1, 12),
    weekday=cron_fields(0, 6),
    after=st.datetimes(at("2020-01-01T00:00:00"), at("2080-01-01T00:00:00")),
)
def test_next_tick_agrees_with_trying_every_minute(minute, hour, day, month, weekday, after):
    days = day[1] | {29, 30, 31} if day[0] == "*" else day[1]
    if day[0].startswith("*/"):
        days = {number for number in range(1, 32) if (number - 1) % int(day[0][2:]) == 0}
    both = day[0].startswith("*") or weekday[0].startswith("*")

    def is_day(candidate: date) -> bool:
        matches = candidate.day in days, candidate.isoweekday() % 7 in weekday[1]
        return candidate.month in month[1] and (all(matches) if both else any(matches))

    text = f"{minute[0]} {hour[0]} {day[0]} {month[0]} {weekday[0]}"
    assert next_tick(text, after) == slow_next_tick(after, minute[1], hour[1], is_day)


PAST = at("2020-01-01T00:00:00")


@pytest.mark.parametrize(
    ("timer", "expected"),
    [
        (Timer(time=PAST, time_cycle="0 * * * *", time_duration="PT1H"), PAST),
        (Timer(time_cycle="0 * * * *", time_duration="PT5H"), at("2026-11-29T23:00:00")),
        (Timer(time_duration="PT1H"), at("2026-11-29T23:00:45.411")),
        (Timer(time_cycle="R3/PT10H"), at("2026-11-30T08:00:45.411")),
        (Timer(time_cycle="R/P1M"), at("2026-12-29T22:00:45.411")),
        (Timer(time_cycle="R/PT1H/2026-11-29T23:00:45.411Z"), at("2026-11-29T23:00:45.411")),
        (Timer(time_cycle="R3/2027-01-01T00:00:00Z/PT1H"), at("2027-01-01T00:00:00")),
        (Timer(time_cycle="R/2020-01-01T00:30:00+00:00/PT1H"), at("2026-11-29T22:30:00")),
        (Timer(time_cycle="R/2020-01-01/P1D"), at("2026-11-30T00:00:00")),
        (Timer(time_cycle="R4/2026-11-29T20:30/PT1H"), at("2026-11-29T22:30:00")),
        (Timer(time_cycle="R/2026-11-29T22:00:45.411Z/PT1H"), NOW),
        (Timer(time_cycle="R/0001-01-01/PT1S"), at("2026-11-29T22:00:46")),
    ],
)
def test_a_timer_is_first_due(timer, expected):
    assert first_due(timer, NOW) == expected


@pytest.mark.parametrize(
    ("timer", "reason"),
    [
        (Timer(), "must specify a time, time cycle or time duration"),
        (Timer(time_cycle="0 0 1 1 * 2020"), "cannot be evaluated"),
        (Timer(time_cycle="whenever"), "is not a cron expression"),
        (Timer(time_duration="whenever"), "is not an ISO 8601 duration"),
        (Timer(time_duration="P9999Y"), "leaves the years 1 to 9999"),
        (Timer(time_cycle="R/PT1H/2026-11-29T23:00:45.410Z"), "has ended"),
        (Timer(time_cycle="R2/2026-11-29T20:30:00Z/PT1H"), "has ended"),
        (Timer(time_cycle="R/P9999Y"), "has ended"),
        (Timer(time_cycle="R3/whenever"), "is not an ISO 8601 repeating interval"),
    ],
)
def test_a_timer_without_a_point_in_time_is_refused(timer, reason):
    with pytest.raises(TimerError, match=reason):
        first_due(timer, NOW)


@pytest.mark.parametrize(
    ("timer", "due", "expected"),
    [
        (Timer(time=PAST), PAST, None),
        (Timer(time=PAST, time_cycle="0 * * * *"), PAST, None),
        (Timer(time_cycle="0 * * * *"), at("2026-11-29T20:00:00"), at("2026-11-29T23:00:00")),
        (Timer(time_cycle="0 0 1 1 * 2026"), at("2026-01-01T00:00:00"), None),
        (Timer(time_duration="PT1H"), at("2026-11-29T20:00:00"), at("2026-11-29T23:00:45.411")),
        (Timer(time_cycle="R3/PT10H"), at("2026-11-29T18:00:00"), at("2026-11-30T04:00:00")),
        (Timer(time_cycle="R3/PT10H"), at("2026-11-28T08:00:00"), at("2026-11-30T00:00:00")),
        (Timer(time_cycle="R/P1M"), at("2026-01-31T00:00:00"), at("2026-11-30T00:00:00")),
        (Timer(time_cycle="R/PT1H/2026-12-31T00:00:00Z"), at("2026-12-30T23:00:00"), at("2026-12-31T00:00:00")),
        (Timer(time_cycle="R/PT1H/2026-12-31T00:00:00Z"), at("2026-12-31T00:00:00"), None),
        (Timer(time_cycle="R3/2026-11-29T21:00:00Z/PT1H"), at("2026-11-29T21:00:00"), at("2026-11-29T23:00:00")),
        (Timer(time_cycle="R3/2026-11-29T21:00:00Z/PT1H"), at("2026-11-29T23:00:00"), None),
        (Timer(time_cycle="R3/2026-01-01T00:00:00Z/PT1H"), at("2026-01-01T01:00:00"), None),
        (Timer(time_cycle="R/2026-01-31/P1M"), at("2027-02-28T00:00:00"), at("2027-03-31T00:00:00")),
        (Timer(time_cycle="R/PT1H"), at("9999-12-31T23:30:00"), None),
        (Timer(time_cycle="R/2026-01-01/P1Y"), at("9999-01-01T00:00:00"), None),
    ],
)
def test_a_timer_that_fired_is_due_again(timer, due, expected):
    assert next_due(timer, due, NOW) == expected


@pytest.mark.parametrize("cycle", ["0 * * * *", "R/PT1H", "R/2026-11-29T00:00:00Z/PT1H"])
def test_missed_ticks_are_caught_up_when_the_due_date_is_the_reference(cycle):
    due = at("2026-11-29T20:00:00")
    assert next_due(Timer(time_cycle=cycle), due, due) == at("2026-11-29T21:00:00")


@pytest.mark.parametrize("cycle", ["0 * * * *", "R/PT1H", "R/2026-11-29T00:00:00Z/PT1H"])
def test_a_clock_that_is_behind_does_not_bring_a_tick_twice(cycle):
    due = at("2026-11-29T20:00:00")
    assert next_due(Timer(time_cycle=cycle), due, due - timedelta(milliseconds=5)) == at("2026-11-29T21:00:00")


def test_the_ticks_of_an_interval_without_a_start_are_counted_from_the_first():
    timer, first = Timer(time_cycle="R/P1M"), at("2027-01-31T08:00:00")
    due = [first]
    for _ in range(4):
        following = next_due(timer, due[-1], due[-1], first)
        assert following is not None
        due.append(following)
    assert [each.day for each in due] == [31, 28, 31, 30, 31]


@pytest.mark.parametrize(
    ("timer", "counts"),
    [
        (Timer(time_cycle="R/P1M"), True),
        (Timer(time_cycle="R3/PT1H/2027-01-01T00:00:00Z"), True),
        (Timer(time_cycle="R/2026-01-31/P1M"), False),
        (Timer(time_cycle="0 * * * *"), False),
        (Timer(time_duration="PT1H"), False),
        (Timer(time=PAST, time_cycle="R/P1M"), False),
    ],
)
def test_only_an_interval_without_a_start_counts_from_its_first_due_date(timer, counts):
    assert counts_from_first_due(timer) == counts


def test_a_timer_with_nothing_set_is_never_due_again():
    with pytest.raises(TimerError, match="must specify"):
        next_due(Timer(), NOW, NOW)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("timeDate", "2026-12-01T08:00:00Z", Timer(time=at("2026-12-01T08:00:00"), repetitions=1)),
        ("timeDate", "2026-12-01T08:00:00", Timer(time=at("2026-12-01T08:00:00"), repetitions=1)),
        ("timeDate", "2026-12-01T08:00:00.1239+02:00", Timer(time=at("2026-12-01T06:00:00.123"), repetitions=1)),
        ("timeDate", "2026-12-01T08:00", Timer(time=at("2026-12-01T08:00:00"), repetitions=1)),
        ("timeDate", "2026-12-01", Timer(time=at("2026-12-01T00:00:00"), repetitions=1)),
        ("timeDate", "\n  2026-12-01\t", Timer(time=at("2026-12-01T00:00:00"), repetitions=1)),
        ("timeDuration", "PT1H", Timer(time_duration="PT1H", repetitions=1)),
        ("timeDuration", " P1DT2H ", Timer(time_duration="P1DT2H", repetitions=1)),
        ("timeCycle", "R3/PT10H", Timer(time_cycle="R3/PT10H", repetitions=3)),
        ("timeCycle", "R1/PT10H", Timer(time_cycle="R1/PT10H", repetitions=1)),
        ("timeCycle", "R/PT1H", Timer(time_cycle="R/PT1H")),
        ("timeCycle", " R3/2026-01-01T00:00:00Z/PT1H", Timer(time_cycle="R3/2026-01-01T00:00:00Z/PT1H", repetitions=3)),
        ("timeCycle", "R/PT1H/2026-12-31T00:00:00Z", Timer(time_cycle="R/PT1H/2026-12-31T00:00:00Z")),
        ("timeCycle", "0 0 * * MON", Timer(time_cycle="0 0 * * MON")),
        ("timeCycle", "@daily", Timer(time_cycle="@daily")),
    ],
)
def test_literal_timers_of_the_xml_are_used(kind, text, expected):
    assert parse_xml_timer(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timeDate", ""),
        ("timeDate", "${due}"),
        ("timeDate", "tomorrow"),
        ("timeDate", "2026-02-30"),
        ("timeDate", "2026-12-01T25:00:00Z"),
        ("timeDate", "20261201"),
        ("timeDate", "PT1H"),
        ("timeDate", "0001-01-01T00:00:00+01:00"),
        ("timeDuration", ""),
        ("timeDuration", "${wait}"),
        ("timeDuration", "PT1.5S"),
        ("timeDuration", "-PT1H"),
        ("timeDuration", "2026-12-01"),
        ("timeDuration", "R3/PT1H"),
        ("timeCycle", ""),
        ("timeCycle", "=cycle(3)"),
        ("timeCycle", "PT1H"),
        ("timeCycle", "R0/PT1H"),
        ("timeCycle", "R/PT0S"),
        ("timeCycle", "R-1/PT1H"),
        ("timeCycle", "R3"),
        ("timeCycle", "R3/"),
        ("timeCycle", "R3/PT"),
        ("timeCycle", "R3/${step}"),
        ("timeCycle", "R9999999999/PT1H"),
        ("timeCycle", "R3/2026-01-01/2026-01-02"),
        ("timeCycle", "R3/2026-01-01/PT1H/2026-02-01"),
        ("timeCycle", "R3/2026-02-30/PT1H"),
        ("timeCycle", "R3/PT1H/whenever"),
        ("timeCycle", "60 * * * *"),
    ],
)
def test_other_texts_of_the_xml_are_no_timers(kind, text):
    assert parse_xml_timer(kind, text) is None
