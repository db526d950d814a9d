"""Commands about variables."""

from __future__ import annotations

from py_bpmn.cli.options import ELEMENT_INSTANCE_ID, INSTANCE_ID, NAMES
from py_bpmn.cli.tables import PARTITION, Command, Resource

RESOURCE = Resource(
    name="variable",
    help="variables, without their values",
    commands=(
        Command(
            name="query",
            help="find variables",
            operation="query_variables",
            options=(PARTITION, ELEMENT_INSTANCE_ID, INSTANCE_ID, NAMES),
            row="Variable",
            rows="results",
            columns=(
                "partition",
                "name",
                "process_instance_id",
                "element_instance_id",
                "encoding",
                "created_at",
                "updated_at",
            ),
            naming=lambda row: str(row.name),
            paged=True,
        ),
    ),
)
