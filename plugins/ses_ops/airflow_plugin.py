"""What ses-ops adds to Airflow. Registration only; `plugins/.airflowignore` keeps Airflow from loading other files."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from ses_ops.console.registration import external_views, fastapi_apps
from ses_ops.operators.pause_switch import PauseSwitchMiddleware
from ses_ops.timetables.send_task import SendTaskTimetable


class SesOpsPlugin(AirflowPlugin):
    """The timetable of send tasks, the pause switch, and the console."""

    name = "ses_ops"
    timetables = [SendTaskTimetable]  # noqa: RUF012 - Airflow's plugin interface
    fastapi_root_middlewares = [{"name": "ses-ops pause switch", "middleware": PauseSwitchMiddleware}]  # noqa: RUF012
    fastapi_apps = fastapi_apps()
    external_views = external_views()
