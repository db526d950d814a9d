"""What files in the manner of some tools say is done, where they say it in their own way."""

from tests.story import Story, json_variable, send


def test_sub_processes_that_show_no_content_are_passed(engine):
    story = Story.start(engine, "tools/igrafx-delivery.bpmn")
    drives = [(visit.state, visit.loop_counter) for visit in story.visits("igx_drive")]
    assert drives == [("COMPLETED", 2), ("COMPLETED", 1), ("COMPLETED", 2)]
    assert story.visit("igx_load").state == "COMPLETED"
    assert story.visit("igx_lost").state == "TERMINATED"
    story.job_completes("igx_word", message_name="complaint", message_correlation_key="k")
    send(engine, "complaint")
    story.task_runs("igx_word")
    assert story.visit("igx_refund").state == "COMPLETED"
    story.user_task_updates(completed=True)
    story.is_completed()


def test_a_link_leads_to_the_one_of_its_name_in_its_scope(engine):
    story = Story.start(engine, "tools/magicdraw-audit.bpmn")
    assert [visit.bpmn_element_id for visit in story.visits()][2:5] == ["_2026x_to1", "_2026x_at1", "_2026x_check"]
    story.user_task_updates(completed=True)
    story.is_completed()
    inside = [visit.bpmn_element_id for visit in story.visits() if visit.parent_id == story.visit("_2026x_check").id]
    assert inside == [f"_2026x_{id}" for id in ("s2", "read", "to2", "at2", "sign", "e2")]


def test_data_with_spaces_in_their_names_are_variables_called_like_their_ids(engine):
    rooms = (json_variable("VpRooms", '["101","102"]'),)
    story = Story.start(engine, "tools/visual-paradigm-booking.bpmn", variables=rooms)
    for room in ("101", "102"):
        assert story.knows("VpReserve") == {"loopCounter": room[-1], "VpRoom": f'"{room}"'}
        story.job_completes("VpReserve", element_variables=[json_variable("VpKey", room)])
    assert story.variables()["Keys"] == "[101,102]"
    # An association that the event and the activity name among their flows still says what undoes the activity.
    story.job_completes("VpGate", exclusive_gateway_decision="VpUnpaid")
    for room in ("102", "101"):
        assert story.knows("VpRelease")["VpRoom"] == f'"{room}"'
        story.job_completes("VpRelease")
    story.is_completed()


def test_flows_that_another_pool_draws_are_taken(engine):
    xml = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">
      <process id="seller" isExecutable="true">
        <endEvent id="out"/><startEvent id="in"/><serviceTask id="pack"/>
      </process>
      <process id="buyer"><task id="order"/>
        <sequenceFlow id="f1" sourceRef="in" targetRef="pack"/><sequenceFlow id="f2" sourceRef="pack" targetRef="out"/>
      </process>
    </definitions>"""
    story = Story.start(engine, xml)
    story.waits_at("pack").job_completes("pack").is_completed()
    assert [visit.bpmn_element_id for visit in story.visits()] == ["seller", "in", "pack", "out"]
