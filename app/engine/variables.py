"""Setting and deleting variables: of an instance, of an element instance, and those that an event brings along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from app.engine.changes import Changes, VariableKey
from app.engine.completion import Data, VariableInput
from app.engine.records import ElementInstance, EventVariable, ProcessInstance, Variable
from app.engine.values import Stored
from app.errors import invalid

Encrypt = Callable[[str], str]
"""Raises EngineError VALIDATION where nothing can be encrypted."""


class Variables:
    """Notes in `changes` what one actor sets and deletes at one time."""

    def __init__(self, changes: Changes, *, now: datetime, actor: str, encrypt: Encrypt, decrypt: Encrypt) -> None:
        self.decrypt = decrypt
        self._changes = changes
        self._now = now
        self._actor = actor
        self._encrypt = encrypt

    def set_process_variables(self, instance: ProcessInstance, variables: Iterable[VariableInput]) -> None:
        """Of several entries with one name the first one wins."""
        for variable in _first_by_name(variables).values():
            self._set(instance, None, variable)

    def set_element_variables(self, token: ElementInstance, variables: Iterable[VariableInput]) -> None:
        """Sets or deletes at the token or the enclosing scope that an entry names.

        Raises EngineError VALIDATION for a scope that does not enclose it.
        """
        scopes: dict[str, ElementInstance] = {}
        scope: ElementInstance | None = token
        while scope is not None and scope.instance is token.instance:
            scopes.setdefault(scope.node.id, scope)
            scope = scope.parent
        found = _first_by_name(variables)
        unknown = sorted({v.bpmn_element_id for v in found.values() if v.bpmn_element_id} - set(scopes))
        if unknown:
            raise invalid(
                f"element instance {token.partition}/{token.id} has no such scopes [{', '.join(unknown)}], "
                f"but [{', '.join(sorted(scopes))}]",
                title="failed to set element variables",
            )
        targets: dict[tuple[str, str], VariableInput] = {}
        for variable in found.values():
            targets.setdefault((variable.bpmn_element_id or token.node.id, variable.name), variable)
        for (scope_id, _), variable in targets.items():
            self._set(token.instance, scopes[scope_id], variable)

    def set_values(self, token: ElementInstance, values: Mapping[str, str], *, encrypted: bool = False) -> None:
        """Sets JSON texts at the token."""
        for name, value in values.items():
            self.store(token.instance, token, name, "json", value, encrypted=encrypted)

    def set_texts(self, token: ElementInstance, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            self.store(token.instance, token, name, "text", value)

    def store(
        self,
        instance: ProcessInstance,
        token: ElementInstance | None,
        name: str,
        encoding: str,
        value: str,
        *,
        encrypted: bool = False,
    ) -> None:
        """Sets a variable of the token, or of the instance."""
        data = Data(encoding=encoding, value=value, encrypted=encrypted)
        self._set(instance, token, VariableInput(name=name, data=data))

    def copy(self, instance: ProcessInstance, token: ElementInstance | None, name: str, stored: Stored) -> None:
        """Sets at the token, or for the instance, what is stored elsewhere, encrypted as it is."""
        self._store(
            instance, token, name=name, encoding=stored.encoding, encrypted=stored.encrypted, value=stored.value
        )

    def deliver(self, instance: ProcessInstance, variables: Iterable[EventVariable]) -> None:
        """Sets or deletes process variables as a message or signal says, whose values are encrypted already."""
        for variable in variables:
            if variable.encoding is None:
                self._delete(instance, None, variable.name)
            else:
                self._store(
                    instance,
                    None,
                    name=variable.name,
                    encoding=variable.encoding,
                    encrypted=variable.encrypted,
                    value=variable.value or "",
                )

    def of_event(self, variables: Iterable[VariableInput]) -> list[EventVariable]:
        """What a message or signal is to bring along, encrypted where asked for; the first entry of a name wins."""
        found = []
        for variable in _first_by_name(variables).values():
            data = variable.data
            found.append(
                EventVariable(
                    name=variable.name,
                    encoding=data.encoding if data else None,
                    encrypted=bool(data and data.encrypted),
                    value=(self._encrypt(data.value) if data.encrypted else data.value) if data else None,
                )
            )
        return found

    def _set(self, instance: ProcessInstance, token: ElementInstance | None, variable: VariableInput) -> None:
        data = variable.data
        if data is None:
            self._delete(instance, token, variable.name)
            return
        self._store(
            instance,
            token,
            name=variable.name,
            encoding=data.encoding,
            encrypted=data.encrypted,
            value=self._encrypt(data.value) if data.encrypted else data.value,
        )

    def _delete(self, instance: ProcessInstance, token: ElementInstance | None, name: str) -> None:
        self._changes.values[instance, token, name] = None
        # What is new has none yet.
        if instance.id:
            self._changes.deleted_variables.append(
                VariableKey(
                    partition=instance.partition,
                    process_instance_id=instance.id,
                    element_instance_id=token.id if token else None,
                    name=name,
                )
            )

    def _store(
        self,
        instance: ProcessInstance,
        token: ElementInstance | None,
        *,
        name: str,
        encoding: str,
        encrypted: bool,
        value: str,
    ) -> None:
        self._changes.values[instance, token, name] = Stored(encoding, encrypted, value)
        self._changes.variables.append(
            Variable(
                partition=instance.partition,
                instance=instance,
                token=token,
                element_id=token.node.element_id if token else None,
                element_instance_id=token.id if token else None,
                process_id=instance.process_id,
                created_at=self._now,
                created_by=self._actor,
                encoding=encoding,
                encrypted=encrypted,
                name=name,
                updated_at=self._now,
                updated_by=self._actor,
                value=value,
            )
        )


def _first_by_name(variables: Iterable[VariableInput]) -> dict[tuple[str, str], VariableInput]:
    found: dict[tuple[str, str], VariableInput] = {}
    for variable in variables:
        found.setdefault((variable.bpmn_element_id, variable.name), variable)
    return found
