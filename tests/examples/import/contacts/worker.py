from __future__ import annotations

from contacts.contact import contact
from py_bpmn import Worker

worker = Worker(contact, threads=16)

if __name__ == "__main__":
    worker.run()
