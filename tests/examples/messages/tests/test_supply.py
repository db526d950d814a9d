import pytest
from supply.customer import customer
from supply.supplier import supplier


@pytest.fixture(autouse=True)
def used(bpmn):
    bpmn.use(customer, supplier)


@pytest.mark.bpmn(auto=True)
def test_an_order_is_confirmed(bpmn):
    story = bpmn.start("customer", order_id="o-1", parts=["wheel", "axle"])
    story.is_completed(at="planned").has(days=4)


def test_the_customer_waits_for_the_supplier(bpmn):
    story = bpmn.start("customer", order_id="o-1", parts=["wheel"])
    story.waits_at("order-parts").runs()
    story.waits_at("confirmation")
    bpmn.send("order-confirmed", key="o-2", days=1)
    story.waits_at("confirmation")
    bpmn.send("order-confirmed", key="o-1", days=9)
    story.is_completed(at="planned").has(days=9)
