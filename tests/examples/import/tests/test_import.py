from contacts.contact import contact, stored
from contacts.load import load

LINES = ["name,mail\n", *(f" contact {number} ,C{number}@example.com\n" for number in range(250))]


def test_many_contacts_are_imported(bpmn):
    bpmn.use(contact)
    started, problems = load(bpmn.client, LINES)
    assert (started, problems) == (250, [])
    assert load(bpmn.client, LINES[:3]) == (2, [])
    bpmn.settle()
    assert len(list(bpmn.client.instances(process="contact", states=["COMPLETED"]))) == 250
    assert stored["c7@example.com"] == "Contact 7"


def test_what_is_no_contact_becomes_an_incident(bpmn):
    bpmn.use(contact)
    story = bpmn.start("contact", name="Ada", mail="nowhere")
    story.at("clean").runs_and_fails(ValueError)
    story.has_incident("clean", "this is no mail address")
