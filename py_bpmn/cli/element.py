"""Commands about elements, the boxes of a model, and element instances, the visits to them."""

from __future__ import annotations

from py_bpmn.cli import kinds
from py_bpmn.cli.instance import get_variables, name_of
from py_bpmn.cli.options import ELEMENT, INSTANCE_ID, NAMES, PROCESS_ID, states, variables
from py_bpmn.cli.output import Column
from py_bpmn.cli.tables import REASON, Command, Resource, option

VISITS = "element_instances"

RESOURCE = Resource(
    name="element",
    help="elements, which models consist of",
    commands=(
        Command(
            name="query",
            help="find elements",
            operation="query_elements",
            options=(PROCESS_ID, ELEMENT),
            row="Element",
            rows="results",
            columns=(
                "id",
                "process_id",
                "bpmn_element_id",
                Column("NAME", "bpmn_element_name"),
                Column("TYPE", "bpmn_element_type"),
            ),
            paged=True,
        ),
    ),
)

INSTANCE_RESOURCE = Resource(
    name="element-instance",
    help="element instances, which are visits to elements",
    commands=(
        Command(
            name="query",
            help="find element instances",
            operation="query_element_instances",
            address="filter",
            completes=VISITS,
            options=(
                option("parent_id", kind=kinds.Id(VISITS), help="element instance it is in, by address or id"),
                PROCESS_ID,
                INSTANCE_ID,
                ELEMENT,
                option(
                    "bpmn_element_types", "--type", kind=kinds.OneOf("ElementType"), many=True, help="type of element"
                ),
                states("InstanceState"),
                option("active", "--active/--ended", flag=True, help="not ended, or ended"),
            ),
            row="ElementInstance",
            rows="results",
            columns=(
                "partition",
                "id",
                "process_id",
                "process_instance_id",
                "bpmn_element_id",
                Column("TYPE", "bpmn_element_type"),
                "ended_at",
                "state",
            ),
            paged=True,
        ),
        Command(
            name="get-variables",
            help="show the variables that an element sees",
            operation="get_element_variables",
            address="one",
            completes=VISITS,
            options=(
                NAMES,
                option("exclude_parent_variables", flag=True, help="only those of the element instance itself"),
            ),
            row="ElementVariable",
            rows="variables",
            naming=name_of,
            run=get_variables,
        ),
        Command(
            name="select-activities",
            help="start activities of an ad-hoc sub-process",
            operation="select_activities",
            address="one",
            completes=VISITS,
            options=(
                option("activities", "--activity", many=True, required=True, help="BPMN id of an activity to start"),
                REASON,
            ),
            writes=True,
            does="select activities of",
        ),
        Command(
            name="set-variables",
            help="set variables of an element instance",
            operation="set_element_variables",
            address="one",
            completes=VISITS,
            options=(
                variables("variables", "--variable", "variable", short=True, of_elements=True),
                REASON,
            ),
            writes=True,
            does="set variables of",
        ),
    ),
)
