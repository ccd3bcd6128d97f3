"""The console's registration in Airflow's UI: the entry "Mail", and tabs of DAGs and runs."""

from __future__ import annotations

from typing import Any

from ses_ops.console.deferred_app import LazyConsole
from ses_ops.orchestration.console_link import NAV_ROUTE, PREFIX, root_path


def fastapi_apps() -> list[dict[str, Any]]:
    """The value of `AirflowPlugin.fastapi_apps`."""
    return [{"app": LazyConsole(), "url_prefix": PREFIX, "name": "ses-ops console"}]


def external_views() -> list[dict[str, Any]]:
    """The value of `AirflowPlugin.external_views`, with the root path, which Airflow's UI does not add itself."""
    top = root_path() + PREFIX
    icons = {"icon": f"{top}/static/mail.svg", "icon_dark_mode": f"{top}/static/mail-dark.svg"}
    return [
        {
            "name": "Mail",
            "href": f"{top}/",
            "destination": "nav",
            "url_route": NAV_ROUTE,
            "nav_top_level": True,
            **icons,
        },
        {
            "name": "Progress",
            "href": f"{top}/dag/{{DAG_ID}}",
            "destination": "dag",
            "url_route": "mail-progress",
            **icons,
        },
        {
            "name": "Progress",
            "href": f"{top}/run/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "mail-run-progress",
            **icons,
        },
    ]
