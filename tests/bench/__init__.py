"""The benchmark: what an instance costs on each database. `python -m tests.bench`, or `make bench`.

Instances are created, their jobs are locked and completed over HTTP, against a service that is started for it by
`py-bpmn serve`, on a fresh database. The generator runs on the same machine, and says how much of it it took. The
service's own task executor is off; the join of parallel flows is asked for. Numbers of different machines or days
don't compare: to compare two versions, run them in turn in one sitting.
"""
