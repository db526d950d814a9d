"""Models as a modeler exports them, played along every way through them."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

import pytest
from sqlalchemy import create_engine, text

from app.clock import ManualClock
from app.service import Service
from tests.models import paths
from tests.models.stage import FILES, Play

PLAYS = (
    Play(
        "order.bpmn",
        ("orderFulfilment",),
        (
            paths.order_from_stock,
            paths.order_that_is_packed_late,
            paths.order_that_is_delivered_later,
            paths.order_that_is_not_wanted_later,
            paths.order_that_is_not_paid,
        ),
    ),
    Play(
        "claim.bpmn",
        ("insuranceClaim",),
        (
            paths.trivial_claim,
            paths.claim_that_all_experts_look_at,
            paths.claim_that_is_withdrawn,
            paths.claim_that_takes_long,
            paths.claim_that_is_fraud,
            paths.claim_that_looked_like_fraud,
        ),
    ),
    Play(
        "loan.bpmn",
        ("creditCheck", "loanApplication"),
        (
            paths.small_loan,
            paths.loan_without_credit,
            paths.large_loan_that_nobody_signs,
            paths.loan_above_the_limit,
            paths.loan_while_rates_change,
        ),
    ),
    Play(
        "onboarding.bpmn",
        ("onboarding",),
        (paths.newcomer_who_stays, paths.newcomer_who_leaves, paths.newcomer_whose_laptop_is_broken),
    ),
    Play(
        "incident.bpmn",
        ("incidentHandling",),
        (
            paths.incident_that_is_solved_at_once,
            paths.critical_incident,
            paths.incident_that_is_not_looked_at,
            paths.incident_of_a_vendor_during_outages,
        ),
    ),
    Play(
        "subscription.bpmn",
        ("subscription",),
        (
            paths.subscription_over_two_years,
            paths.subscription_that_changes_and_ends,
            paths.subscription_that_is_paid_late,
            paths.subscription_that_is_not_paid,
        ),
    ),
    Play(
        "replenishment.bpmn",
        ("delivery", "replenishment"),
        (
            paths.replenishment_on_demand,
            paths.replenishment_every_night,
            paths.replenishment_when_stock_is_low,
            paths.replenishment_for_the_season,
        ),
    ),
)

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"

VISITS = text(
    "SELECT process.bpmn_process_id, source.bpmn_element_id, source.bpmn_element_type, visit.bpmn_element_id,"
    " visit.bpmn_element_type, visit.state FROM element_instance visit"
    " JOIN element_instance source ON source.partition = visit.partition AND source.id = visit.prev_id"
    " JOIN process ON process.id = visit.process_id"
)
"""Each visit of an element with the visit it came from."""

Step = tuple[str, str, str]
"""Process, source element, target element."""


def drawn(file: str) -> list[Step]:
    """All sequence flows of a file."""
    root = ElementTree.parse(FILES / file).getroot()
    return [
        (process.attrib["id"], flow.attrib["sourceRef"], flow.attrib["targetRef"])
        for process in root.iter(f"{BPMN}process")
        for flow in process.iter(f"{BPMN}sequenceFlow")
    ]


def taken(database_url: str) -> set[Step]:
    """The steps from one element to the next that all instances together have made.

    A boundary event does not follow its host, a link catch event follows no flow, and of the events behind an
    event-based gateway only the one that has happened was reached.
    """
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(VISITS).all()
    engine.dispose()
    return {
        (process, source, target)
        for process, source, source_type, target, target_type, state in rows
        if not target_type.endswith("_BOUNDARY_EVENT")
        and target_type != "LINK_CATCH_EVENT"
        and (source_type != "EVENT_BASED_GATEWAY" or state == "COMPLETED")
    }


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.file)
def test_each_path_leads_to_its_end_and_all_together_take_every_sequence_flow(
    play: Play, service: Service, clock: ManualClock, database_url: str
):
    for path in play.paths:
        # A version of its own for each path, whose start events replace those of the path before.
        path(play.stage(service, clock, version=path.__name__))
    flows = drawn(play.file)
    assert [flow for flow, count in Counter(flows).items() if count > 1] == [], "can't be told apart by their ends"
    assert taken(database_url) == set(flows)
