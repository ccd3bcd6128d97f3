"""The Airflow plugin of ses-ops: registration only, and once, however installed.

An installed package is found by its entry point. A package in Airflow's plugins folder is found because Airflow runs
each `.py` file there, as a module of its bare stem: this file then hands the plugin over, unless the entry point does.
Airflow has no use for the other files: `.airflowignore` keeps Airflow from running them, and without `.airflowignore`
they do nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or __name__ == "ses_ops.airflow_plugin":
    import logging

    from airflow.plugins_manager import AirflowPlugin

    from ses_ops.orchestration.airflow_versions import refusal, untried

    log = logging.getLogger(__name__)

    #: Folders of the copies of the package that Airflow has run file by file.
    RUN_FOLDERS: set[str] = set()

    def forget_bare_names() -> None:
        """Remove the modules of bare names: `settings` may be the name of a module of another plugin."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if name.partition(".")[0] != "ses_ops" and file.startswith(tuple(RUN_FOLDERS)):
                del sys.modules[name]

    # A plugin that raises disturbs all components of Airflow, so on an unsupported Airflow the plugin is empty.
    _REFUSAL = refusal()

    if _REFUSAL is None:
        from ses_ops.console.registration import external_views, fastapi_apps
        from ses_ops.orchestration.pause_switch import PauseSwitchMiddleware
        from ses_ops.orchestration.timetable import EarlierSendTaskTimetable, SendTaskTimetable
        from ses_ops.orchestration.whole_path import WholePathMiddleware

        if _warning := untried():
            log.warning("%s", _warning)

        class SesOpsPlugin(AirflowPlugin):
            """The timetable of send tasks, the pause switch, the path of requests behind a proxy, and the console."""

            name = "ses_ops"
            timetables = [SendTaskTimetable, EarlierSendTaskTimetable]  # noqa: RUF012 - Airflow's plugin interface
            fastapi_root_middlewares = [  # noqa: RUF012
                {"name": "ses-ops pause switch", "middleware": PauseSwitchMiddleware},
                # The last is the outermost.
                {"name": "ses-ops whole path", "middleware": WholePathMiddleware},
            ]
            fastapi_apps = fastapi_apps()
            external_views = external_views()

            @classmethod
            def on_load(cls, *_args: object, **_kwargs: object) -> None:
                """Airflow has run its plugins folder."""
                forget_bare_names()

    else:
        from ses_ops.console.unsupported_airflow import refused_apps, refused_views

        log.error("%s", _REFUSAL)

        class SesOpsPlugin(AirflowPlugin):  # type: ignore[no-redef]
            """An empty plugin, with a page in the navigation that says why it is empty."""

            name = "ses_ops"
            fastapi_apps = refused_apps(str(_REFUSAL))
            external_views = refused_views()

            @classmethod
            def on_load(cls, *_args: object, **_kwargs: object) -> None:
                """Airflow has run its plugins folder."""
                forget_bare_names()

else:
    import os
    from importlib import import_module
    from importlib.metadata import PackageNotFoundError, distribution

    _itself = import_module("ses_ops.airflow_plugin")
    _itself.RUN_FOLDERS.add(os.path.join(os.path.dirname(__file__), ""))
    try:
        _entry_points = distribution("ses-ops").entry_points
    except PackageNotFoundError:
        _entry_points = ()
    if not any(one.group == "airflow.plugins" for one in _entry_points):
        SesOpsPlugin = _itself.SesOpsPlugin
