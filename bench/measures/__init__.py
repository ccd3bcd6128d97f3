"""One module a measure, each with `measure(bench) -> Iterable[Figure]`. `MEASURES` is the order in which they run.

A measure that yields its figures one by one keeps those that it has when it fails or runs out of time.
"""

from __future__ import annotations

#: Name on the command line, and what it measures. The module of that name stands in this folder.
MEASURES = {
    "engine": "messages a second of the sending engine, beside other senders",
    "roundtrips": "round trips a message on a connection with 50 ms of latency",
    "scaling": "time a message, freeze to settle, and memory as the audience grows",
    "audience": "freezing an audience, importing a CSV file",
    "pages": "the task list and what a task's page reads over a large ledger",
    "whole_way": "from the trigger in Airflow to finished",
    "many_tasks": "1 000 active send tasks on one Airflow",
}
