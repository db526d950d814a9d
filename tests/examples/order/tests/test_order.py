from decimal import Decimal

import pytest
from shop import cards
from shop.order import charge, in_stock, order


@pytest.fixture(autouse=True)
def used(bpmn):
    bpmn.use(order)


def test_an_order_is_paid_and_shipped(bpmn):
    story = bpmn.start("order", amount=20, card="4111", quantity=2, stock=5)
    story.waits_at("charge-card").runs()
    story.at("in-stock").runs()
    story.waits_at("ship").runs()
    story.not_passed("reorder")
    story.is_completed(at="shipped").has(stock=3)


def test_what_is_not_in_stock_is_ordered(bpmn):
    story = bpmn.start("order", amount=20, card="4111", quantity=2)
    story.waits_at("charge-card").runs()
    story.at("in-stock").decides("reorder")
    story.waits_at("reorder").runs()
    story.waits_at("ship").runs()
    story.is_completed(at="shipped").has(stock=0)


def test_a_declined_card_is_replaced(bpmn):
    story = bpmn.start("order", amount=20, card="4222", stock=1)
    story.waits_at("charge-card").runs()
    story.waits_at("ask-for-card").user_completes(card="4111")
    story.passed("card-declined")
    story.waits_at("charge-card").runs()
    story.waits_at("in-stock")


def test_without_an_answer_the_order_is_canceled(bpmn):
    story = bpmn.start("order", amount=20, card="4222")
    story.at("charge-card").throws("DECLINED")
    story.waits_at("ask-for-card")
    bpmn.clock.advances(hours=24)
    story.passed("no-answer")
    story.is_completed(at="canceled")


def test_a_bank_that_does_not_answer_is_asked_again(bpmn):
    story = bpmn.start("order", amount=20, card="4333")
    story.at("charge-card").runs_and_fails(ConnectionError)
    cards.limits["4333"] = Decimal(100)
    bpmn.clock.advances(seconds=30)
    story.at("charge-card").runs()
    story.waits_at("in-stock")


@pytest.mark.bpmn(auto=True)
def test_an_order_needs_nobody(bpmn):
    bpmn.start("order", amount=1, card="4111", stock=1).is_completed(at="shipped")


def test_handlers_are_functions():
    assert in_stock(quantity=2, stock=2) == "ship"
    assert charge.__name__ == "charge"
