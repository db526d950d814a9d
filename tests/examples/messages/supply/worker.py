from __future__ import annotations

from py_bpmn import Worker
from supply.customer import customer
from supply.supplier import supplier

worker = Worker(customer, supplier)

if __name__ == "__main__":
    worker.run()
