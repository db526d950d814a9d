"""Every way through the models in `tests/files`."""

from __future__ import annotations

from datetime import datetime

from app.criteria import TaskCriteria
from app.timer import Timer
from tests.models.stage import Case, Stage


def order_from_stock(stage: Stage) -> None:
    order = stage.start("orderFulfilment")
    order.job("checkStock").decides("inStock")
    assert order.waits_at == ["chargePayment", "pickItems"]
    order.job("pickItems").job("chargePayment")
    assert order.waits_at == ["join", "packParcel"]
    order.user_task("packParcel").job("ship")
    assert order.visits("packingLate") == ["TERMINATED"]
    order.is_completed()


def order_that_is_packed_late(stage: Stage) -> None:
    order = stage.start("orderFulfilment")
    order.job("checkStock").decides("inStock", "fork").job("pickItems")
    stage.later(hours=5)
    order.job("informShiftLead")
    stage.later(hours=5)
    assert order.waits_at == ["chargePayment", "packParcel"]
    order.user_task("packParcel").job("chargePayment").job("ship")
    order.is_completed()


def order_that_is_delivered_later(stage: Stage) -> None:
    order = stage.start("orderFulfilment", correlation_key="4711")
    order.job("checkStock").decides("inStock", "offerBackorder").job("offerBackorder")
    order.waits_for_message("backorderAccepted", "4711")
    stage.message("BackorderAccepted", "4711")
    assert order.waits_at == ["supplierDelivers"]
    assert order.visits("noAnswer") == ["TERMINATED"]
    stage.later(hours=72)
    order.job("checkStock").decides("inStock").job("chargePayment").job("pickItems")
    order.user_task("packParcel").job("ship")
    order.is_completed()


def order_that_is_not_wanted_later(stage: Stage) -> None:
    order = stage.start("orderFulfilment")
    order.job("checkStock").decides("inStock", "offerBackorder").job("offerBackorder")
    order.waits_for_message("backorderAccepted", "4712")
    stage.later(days=7)
    assert order.visits("backorderAccepted") == ["TERMINATED"]
    order.job("sendCancellation")
    order.is_completed()


def order_that_is_not_paid(stage: Stage) -> None:
    order = stage.start("orderFulfilment")
    order.job("checkStock").decides("inStock").job("pickItems")
    order.job("chargePayment", error_code="PAYMENT_DECLINED")
    assert order.waits_at == ["packParcel", "sendCancellation"]
    order.job("sendCancellation")
    assert order.visits("packParcel") == ["TERMINATED"]
    order.is_completed()


def trivial_claim(stage: Stage) -> None:
    claim = stage.start("insuranceClaim")
    claim.job("classify").decides("route", "payOut").job("payOut")
    claim.is_completed()


def claim_that_all_experts_look_at(stage: Stage) -> None:
    claim = stage.start("insuranceClaim")
    claim.job("classify").decides("route")
    claim.waits_for_message("claimWithdrawn", "c-1")
    claim.decides("whichExperts", "orderSurvey", "requestPoliceReport")
    assert claim.waits_at == ["orderSurvey", "requestPoliceReport", "reviewDocuments"]
    claim.job("requestPoliceReport").user_task("reviewDocuments").job("orderSurvey")
    claim.user_task("decide").decides("decision", "payOut").job("payOut")
    claim.is_completed()


def claim_that_is_withdrawn(stage: Stage) -> None:
    claim = stage.start("insuranceClaim")
    claim.job("classify").decides("route", "assessment")
    claim.waits_for_message("claimWithdrawn", "c-2")
    claim.decides("whichExperts", "orderSurvey")
    stage.message("ClaimWithdrawn", "c-2")
    assert claim.visits("orderSurvey") == ["TERMINATED"]
    claim.is_completed()


def claim_that_takes_long(stage: Stage) -> None:
    claim = stage.start("insuranceClaim")
    claim.job("classify").decides("route")
    claim.waits_for_message("claimWithdrawn", "c-3").decides("whichExperts")
    for _ in range(3):
        stage.later(days=14)
        claim.job("remindAssessor")
    stage.later(days=140)
    assert claim.waits_at == ["reviewDocuments"]
    claim.user_task("reviewDocuments").user_task("decide").decides("decision", "sendRejection").job("sendRejection")
    claim.is_completed()


def claim_that_is_fraud(stage: Stage) -> None:
    claim = stage.start("insuranceClaim")
    claim.job("classify").decides("route", "investigate").user_task("investigate")
    claim.decides("fraudFound", "flagCustomer").job("flagCustomer").job("sendRejection")
    claim.is_completed()


def claim_that_looked_like_fraud(stage: Stage) -> None:
    claim = stage.start("insuranceClaim")
    claim.job("classify").decides("route", "investigate").user_task("investigate").decides("fraudFound", "assessment")
    claim.waits_for_message("claimWithdrawn", "c-4").decides("whichExperts").user_task("reviewDocuments")
    claim.user_task("decide").decides("decision", "payOut").job("payOut")
    claim.is_completed()


def _checked_loan(stage: Stage) -> Case:
    loan = stage.start("loanApplication")
    _check_credit(loan)
    return loan


def _check_credit(loan: Case) -> None:
    loan.job("checkCredit")
    loan.called().job("queryBureau").decides("score")
    loan.job("checkCredit")


def small_loan(stage: Stage) -> None:
    loan = _checked_loan(stage)
    loan.decides("amount", "prepareOffer").job("prepareOffer").job("offerSent")
    loan.waits_for_message("contractSigned", "l-1")
    stage.message("ContractSigned", "l-1")
    loan.job("disburse")
    loan.is_completed()


def loan_without_credit(stage: Stage) -> None:
    loan = stage.start("loanApplication").job("checkCredit")
    check = loan.called().job("queryBureau").decides("score", "refused")
    assert check.instance.state == "TERMINATED"
    assert loan.visits("checkCredit") == ["TERMINATED"]
    loan.job("sendRefusal")
    loan.is_completed()


def large_loan_that_nobody_signs(stage: Stage) -> None:
    loan = _checked_loan(stage)
    loan.decides("amount", "approve").user_task("approve").job("prepareOffer").job("offerSent")
    loan.waits_for_message("contractSigned", "l-2")
    stage.later(days=30)
    loan.is_completed()


def loan_above_the_limit(stage: Stage) -> None:
    loan = _checked_loan(stage)
    loan.decides("amount", "approve").user_task("approve", escalation_code="ABOVE_LIMIT")
    assert loan.visits("approve") == ["TERMINATED"]
    loan.user_task("approveAsManager").job("prepareOffer").job("offerSent")
    loan.waits_for_message("contractSigned", "l-3")
    stage.signal("OffersWithdrawn")
    loan.job("sendRefusal")
    loan.is_completed()


def loan_while_rates_change(stage: Stage) -> None:
    loan = _checked_loan(stage)
    loan.decides("amount", "approve")
    stage.signal("RatesChanged")
    _check_credit(loan)
    loan.decides("amount", "approve").user_task("approve").job("prepareOffer").job("offerSent")
    loan.waits_for_message("contractSigned", "l-4")
    stage.message("ContractSigned", "l-4")
    loan.job("disburse")
    loan.is_completed()


def _first_day(stage: Stage) -> Case:
    newcomer = stage.start("onboarding")
    assert newcomer.waits_at == ["createAccounts", "orderEquipment", "prepared", "sendWelcome"]
    newcomer.job("sendWelcome").job("createAccounts").job("grantAccess").user_task("orderEquipment")
    newcomer.decides("equipmentOk", "prepared")
    newcomer.job("firstDay", timer=Timer(time_duration="P10D"))
    assert newcomer.waits_at == ["firstDay"]
    stage.later(days=10)
    return newcomer


def newcomer_who_stays(stage: Stage) -> None:
    newcomer = _first_day(stage)
    newcomer.user_task("feedback").decides("goesOn", "toReview").user_task("review")
    assert newcomer.waits_at == ["onboarded"]
    newcomer.job("onboarded")
    newcomer.is_completed()


def newcomer_who_leaves(stage: Stage) -> None:
    newcomer = _first_day(stage)
    newcomer.user_task("feedback").decides("goesOn", "trialStopped")
    assert newcomer.visits("trial") == ["TERMINATED"]
    newcomer.job("revokeAccess")
    newcomer.is_completed()


def newcomer_whose_laptop_is_broken(stage: Stage) -> None:
    newcomer = stage.start("onboarding")
    newcomer.user_task("orderEquipment").decides("equipmentOk").user_task("orderEquipment")
    newcomer.decides("equipmentOk", "prepared").job("createAccounts").job("sendWelcome").job("grantAccess")
    newcomer.job("firstDay", timer=Timer(time=datetime(2026, 1, 1)))
    stage.run_tasks()
    newcomer.user_task("feedback").decides("goesOn", "toReview").user_task("review").job("onboarded")
    newcomer.is_completed()


def incident_that_is_solved_at_once(stage: Stage) -> None:
    incident = stage.start("incidentHandling")
    incident.job("prioritise").decides("critical").user_task("diagnose").decides("solved", "solvedAtOnce")
    incident.job("informReporter")
    incident.is_completed()


def _any_error_is_caught(incident: Case) -> Case:
    """The model names no error, so a worker does: an empty code is any."""
    assert incident.waits_at == []
    incident.job("cannotFix")
    assert incident.waits_at == ["secondLevel"]
    return incident


def critical_incident(stage: Stage) -> None:
    incident = stage.start("incidentHandling")
    incident.job("prioritise").decides("critical", "alarm")
    assert incident.waits_at == ["diagnose", "informManager"]
    incident.job("informManager").user_task("diagnose").decides("solved", "handOver")
    assert incident.visits("firstLevel") == ["TERMINATED"]
    _any_error_is_caught(incident).job("secondLevel").job("informReporter")
    incident.is_completed()


def incident_that_is_not_looked_at(stage: Stage) -> None:
    incident = stage.start("incidentHandling")
    incident.job("prioritise").decides("critical")
    stage.later(hours=8)
    assert incident.visits("diagnose") == ["TERMINATED"]
    _any_error_is_caught(incident).job("secondLevel").job("informReporter")
    incident.is_completed()


def incident_of_a_vendor_during_outages(stage: Stage) -> None:
    incident = stage.start("incidentHandling")
    incident.job("prioritise").decides("critical").user_task("diagnose").decides("solved", "handOver")
    _any_error_is_caught(incident)
    stage.signal("MassOutage")
    stage.signal("MassOutage")
    assert incident.waits_at == ["postStatus", "postStatus", "secondLevel"]
    incident.job("secondLevel", error_code="NO_IDEA").job("openVendorTicket")
    incident.waits_for_message("vendorFix", "i-1").job("postStatus").job("postStatus")
    stage.message("VendorFix", "i-1")
    incident.job("informReporter")
    incident.is_completed()


def _subscribed(stage: Stage, key: str) -> Case:
    subscription = stage.start("subscription").job("activate")
    return subscription.waits_for_message("cancelled", key).waits_for_message("planChanged", key)


def subscription_over_two_years(stage: Stage) -> None:
    subscription = _subscribed(stage, "s-1")
    for month in range(24):
        assert subscription.waits_at == ["nextMonth"], f"in month {month}"
        stage.later(days=31)
        if month in (11, 23):
            subscription.job("sendGift")
        subscription.job("charge")
        subscription.decides("termOver", *(["termEnded"] if month == 23 else []))
    subscription.job("deactivate")
    subscription.is_completed()


def subscription_that_changes_and_ends(stage: Stage) -> None:
    subscription = _subscribed(stage, "s-2")
    stage.message("PlanChanged", "s-2")
    stage.message("PlanChanged", "s-2")
    subscription.job("changePlan").job("changePlan")
    stage.message("SubscriptionCancelled", "s-2")
    assert subscription.waits_at == ["deactivate"]
    subscription.job("deactivate")
    subscription.is_completed()


def subscription_that_is_paid_late(stage: Stage) -> None:
    subscription = _subscribed(stage, "s-3")
    stage.later(days=31)
    subscription.job("charge", error_code="CHARGE_FAILED").job("sendReminder")
    stage.later(days=7)
    subscription.job("chargeAgain").decides("termOver", "termEnded").job("deactivate")
    subscription.is_completed()


def subscription_that_is_not_paid(stage: Stage) -> None:
    subscription = _subscribed(stage, "s-4")
    stage.later(days=31)
    subscription.job("charge", error_code="CHARGE_FAILED").job("sendReminder")
    stage.later(days=7)
    subscription.job("chargeAgain", error_code="CHARGE_FAILED")
    assert subscription.visits("term") == ["TERMINATED"]
    subscription.job("deactivate")
    subscription.is_completed()


def replenishment_on_demand(stage: Stage) -> None:
    case = stage.start("replenishment")
    case.job("countStock").decides("enough", "nothingToDo")
    case.is_completed()


def replenishment_every_night(stage: Stage) -> None:
    for _ in range(2):
        stage.later(days=1)
        [case] = stage.started("replenishment")
        case.job("countStock").decides("enough", "nothingToDo")
        case.is_completed()
    tasks = stage.service.query(TaskCriteria(type="TRIGGER_EVENT"))
    [next_night] = [task for task in tasks if task.completed_at is None]
    assert (next_night.due_at.hour, next_night.due_at.minute) == (2, 0)


def replenishment_when_stock_is_low(stage: Stage) -> None:
    stage.message("StockLow", "drinks")
    [case] = stage.started("replenishment")
    case.job("countStock").decides("enough", "whatToOrder").decides("whatToOrder", "orderDrinks").job("orderDrinks")
    case.is_completed()
    [delivery] = stage.started("delivery")
    delivery.user_task("reserveDock")
    delivery.is_completed()


def replenishment_for_the_season(stage: Stage) -> None:
    stage.signal("SeasonStarts")
    [case] = stage.started("replenishment")
    case.job("raiseTargets").job("countStock").decides("enough", "whatToOrder")
    case.decides("whatToOrder", "orderFood", "orderDrinks").job("orderFood").job("orderDrinks")
    case.is_completed()
    deliveries = stage.started("delivery")
    assert len(deliveries) == 2
    for delivery in deliveries:
        delivery.user_task("reserveDock")
        delivery.is_completed()
