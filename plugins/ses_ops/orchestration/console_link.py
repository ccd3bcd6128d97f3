"""The way from Airflow's pages of our DAGs to the console, for those whom Airflow's navigation does not show it."""

from __future__ import annotations

from urllib.parse import urlsplit

#: Where the console is mounted in Airflow's API server.
PREFIX = "/ses"


def root_path() -> str:
    """`/airflow` where Airflow is reached as https://example.com/airflow, else nothing."""
    from airflow.configuration import conf

    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


def with_console_link(docs: str | None, path: str) -> str:
    """A DAG's documentation (Markdown) with a link to one of the console's pages below its heading."""
    heading, _, text = (docs or "").strip().partition("\n")
    return f"{heading}\n\n[Open in the mail console]({root_path()}{PREFIX}{path})\n{text}\n"
