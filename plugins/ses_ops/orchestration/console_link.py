"""Links from Airflow's pages of a DAG to the console.

They serve people to whom Airflow's navigation does not show the console.
"""

from __future__ import annotations

from urllib.parse import urlsplit

#: The path at which the console is mounted in Airflow's API server.
PREFIX = "/ses"
#: The route of the frame in the UI; the path of the page in the frame follows, with Airflow's own prefix if it has
#: one: `/plugin/mail/ses/tasks`, and `/airflow/plugin/mail/airflow/ses/tasks` below https://example.com/airflow.
NAV_ROUTE = "mail"


def root_path() -> str:
    """`/airflow` where Airflow is reached as https://example.com/airflow, else an empty text."""
    from airflow.configuration import conf

    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


def origin() -> str | None:
    """`https://example.com` where Airflow is reached as https://Example.com/airflow; None where nothing says so."""
    from airflow.configuration import conf

    parts = urlsplit(conf.get("api", "base_url", fallback="") or "")
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else None


def with_console_link(docs: str | None, path: str) -> str:
    """A DAG's documentation (Markdown), with a link to a page of the console below the heading."""
    heading, _, text = (docs or "").strip().partition("\n")
    return f"{heading}\n\n[Open in the mail console]({root_path()}{PREFIX}{path})\n{text}\n"
