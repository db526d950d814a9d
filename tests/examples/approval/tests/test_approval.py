import pytest
from travel.approval import approval, decide

FAR = {"traveller": "Ada", "to": "Rome", "leaves": "2027-03-01", "price": 700}
NEAR = {"traveller": "Ada", "to": "Ulm", "leaves": "2027-03-01", "price": 20}

pytestmark = pytest.mark.bpmn(auto=True)


@pytest.fixture(autouse=True)
def used(bpmn):
    bpmn.use(approval)


def test_a_cheap_trip_is_booked(bpmn):
    bpmn.start("approval", trip=NEAR).is_completed(at="booked").has(ticket="ULM-0103")


def test_an_approved_trip_is_booked(bpmn):
    story = bpmn.start("approval", trip=FAR)
    story.waits_at("approve").user_completes(approved=True)
    story.is_completed(at="booked").has(ticket="ROME-0103")


def test_a_rejected_trip_is_told(bpmn, capsys):
    story = bpmn.start("approval", key="trip-7", trip=FAR)
    story.waits_at("approve")
    decide(bpmn.client, "trip-7", approved=False, reason="too far")
    bpmn.settle()
    story.is_completed(at="rejected")
    assert capsys.readouterr().out == "Ada can't go to Rome: too far\n"
