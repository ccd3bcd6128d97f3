"""What ses-ops adds to Airflow. Registration only; `plugins/.airflowignore` keeps Airflow from loading other files."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from ses_ops.operators.pause_switch import PauseSwitchMiddleware
from ses_ops.timetables.send_task import SendTaskTimetable


class SesOpsPlugin(AirflowPlugin):
    """The timetable of send tasks, and the pause switch."""

    name = "ses_ops"
    timetables = [SendTaskTimetable]  # noqa: RUF012 - Airflow's plugin interface
    fastapi_root_middlewares = [{"name": "ses-ops pause switch", "middleware": PauseSwitchMiddleware}]  # noqa: RUF012
