"""The measures: one module each, with a function `measure(bench) -> Iterable[Figure]`.

When a measure that yields its figures one by one fails or runs out of time, the figures that it has are kept.
"""

from __future__ import annotations

#: Names on the command line and descriptions, in the order in which the measures run; the modules have the same names.
MEASURES = {
    "engine": "messages a second of the sending engine, beside other senders",
    "tokens": "the engine with bounce tokens and unsubscribe links, against the engine without",
    "tracking": "the engine with opens and clicks tracked, against the engine without",
    "roundtrips": "round trips a message on a connection with 50 ms of latency",
    "scaling": "time a message, freeze to settle, and memory as the audience grows",
    "audience": "freezing an audience, importing a CSV file",
    "events": "events recorded a second, from eight senders at once",
    "reports": "mails that came back, read to the verdict on one core",
    "reputation": "1 000 domains judged, and counting what an attempt did",
    "pages": "the task list and what a task's page reads over a large ledger",
    "one_click": "one-click unsubscribing while a task is sending, and without PostgreSQL",
    "callbacks": "events posted a second to an address of the user's own, and memory while many wait",
    "clicks": "clicks and opens: the time of an answer, and how many are answered and recorded a second",
    "single": "single messages by the API: accepted a second, accepted to the server's 250, replays, start and memory",
    "whole_way": "from the trigger in Airflow to finished",
    "many_tasks": "1 000 active send tasks on one Airflow",
}
