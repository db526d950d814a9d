"""What is done for one contact."""

from __future__ import annotations

from pathlib import Path

from py_bpmn import Process

contact = Process("contact", bpmn=Path(__file__).with_name("contact.bpmn"))
stored: dict[str, str] = {}
"""Stands for a database."""


@contact.execute("clean", no_retry=(ValueError,))
def clean(name: str, mail: str) -> dict[str, str]:
    if "@" not in mail:
        raise ValueError("this is no mail address")
    return {"name": name.strip().title(), "mail": mail.strip().lower()}


@contact.execute("store")
def store(name: str, mail: str) -> None:
    stored[mail] = name
