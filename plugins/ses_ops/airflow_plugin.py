"""What ses-ops adds to Airflow. Registration only; `plugins/.airflowignore` keeps Airflow from loading other files."""

from __future__ import annotations

import logging

from airflow.plugins_manager import AirflowPlugin

from ses_ops.operators.airflow_versions import refusal, untried

log = logging.getLogger(__name__)

# A plugin that raises disturbs every component of an Airflow that is not ours: where nothing would work, it is empty.
_REFUSAL = refusal()

if _REFUSAL is None:
    from ses_ops.console.registration import external_views, fastapi_apps
    from ses_ops.operators.pause_switch import PauseSwitchMiddleware
    from ses_ops.timetables.send_task import SendTaskTimetable

    if _warning := untried():
        log.warning("%s", _warning)

    class SesOpsPlugin(AirflowPlugin):
        """The timetable of send tasks, the pause switch, and the console."""

        name = "ses_ops"
        timetables = [SendTaskTimetable]  # noqa: RUF012 - Airflow's plugin interface
        fastapi_root_middlewares = [{"name": "ses-ops pause switch", "middleware": PauseSwitchMiddleware}]  # noqa: RUF012
        fastapi_apps = fastapi_apps()
        external_views = external_views()

else:
    from ses_ops.console.refused import refused_apps, refused_views

    log.error("%s", _REFUSAL)

    class SesOpsRefused(AirflowPlugin):
        """Nothing but its name, and in the navigation a page that says why."""

        name = "ses_ops"
        fastapi_apps = refused_apps(str(_REFUSAL))
        external_views = refused_views()
