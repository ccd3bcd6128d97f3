"""One module a measure, each with `measure(bench) -> list[Figure]`. `MEASURES` is the order in which they run."""

from __future__ import annotations

#: Name on the command line, and what it measures. The module of that name stands in this folder.
MEASURES = {
    "engine": "messages a second of the sending engine, beside other senders",
    "roundtrips": "round trips a message on a connection with 50 ms of latency",
    "scaling": "time and memory a message as the audience grows",
    "audience": "freezing an audience, importing a CSV file",
    "pages": "the task list and a task's page over a large ledger",
    "whole_way": "from the trigger in Airflow to finished",
    "many_tasks": "1 000 active send tasks on one Airflow",
}
