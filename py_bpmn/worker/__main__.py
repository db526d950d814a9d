"""One of several processes of a worker: `py-bpmn worker` and `Worker.run` start it."""

from __future__ import annotations

import sys

from py_bpmn.worker.supervise import CHILD, child, main

if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        sys.exit(child(sys.argv[2]))
    if len(sys.argv) != 2:
        sys.exit("usage: python -m py_bpmn.worker MODULE:ATTR")
    sys.exit(main(sys.argv[1]))
