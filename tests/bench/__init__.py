"""The benchmark: what the service costs on each database. `python -m tests.bench`, or `make bench`.

Clients play scenarios over HTTP against a service that is started for it by `py-bpmn serve`, with its defaults, on a
fresh database. They run on the same machine, in one thread, and it is told how much of it they took. The service's own
task executor is off; the join of parallel flows is asked for. Both databases are measured in turn, round after round,
and medians are printed. Numbers of different machines or days don't compare: `--compare` takes the speed of the machine
at the time of each figure into account, as a fixed computation tells it, but the best way to compare two versions is
to run them in one sitting.
"""
