"""Stands for the company that charges cards; `limits` is what their owners may spend."""

from __future__ import annotations

from decimal import Decimal


class Declined(Exception):
    """The company says no, and will say no again."""


limits: dict[str, Decimal] = {"4111": Decimal(1000), "4222": Decimal(10)}
charged: dict[str, str] = {}
"""Receipts by idempotency key: what is charged twice with the same key is charged once."""


def charge(card: str, amount: Decimal, key: str) -> str:
    """The number of the receipt."""
    if card not in limits:
        raise ConnectionError("the bank of this card does not answer")
    if amount > limits[card]:
        raise Declined(f"{card} has a limit of {limits[card]}")
    return charged.setdefault(key, f"R{len(charged) + 1}")
