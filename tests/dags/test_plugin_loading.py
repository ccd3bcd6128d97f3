"""Airflow's plugin loader would execute every file below plugins/, and register each by its bare name."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.airflow_environment import SETTINGS

PROGRAM = """
import json, sys
from airflow import plugins_manager
plugins_manager.ensure_plugins_loaded()
import email
bare = [name for name, module in sys.modules.items()
        if "plugins/ses_ops" in (getattr(module, "__file__", None) or "") and not name.startswith("ses_ops")]
console = [name for name in sys.modules if name.startswith("ses_ops.console")]
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
earlier = decode_timetable({"__type": "ses_ops.timetables.send_task.SendTaskTimetable", "__var": {
    "type": "recurring", "time_zone": "Europe/Berlin", "start_at": "2026-03-02T08:00:00+00:00", "every": None,
    "cron": "0 9 * * MON", "until": None, "problem": None}})
print(json.dumps({
    "bare": bare,
    "console": console,
    "views": [view["destination"] for plugin in plugins_manager._get_plugins()[0] for view in plugin.external_views],
    "email": email.__file__,
    "plugins": [plugin.name for plugin in plugins_manager._get_plugins()[0]],
    "timetables": list(plugins_manager.get_timetables_plugins()),
    "earlier": [earlier.schedule.type, earlier.schedule.cron, encode_timetable(earlier)["__type"]],
    "errors": plugins_manager.get_import_errors(),
}))
"""


@pytest.mark.parametrize("beside", [True, False], ids=["with-the-plugins-folder", "editable-install-alone"])
def test_only_the_plugin_itself_is_loaded_and_the_standard_library_stays_what_it_is(beside, tmp_path):
    folder = {} if beside else {"AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **SETTINGS, **folder},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["errors"] == {}
    assert found["plugins"].count("ses_ops") == 1
    # Under its earlier name too: Airflow keeps that with the DAGs that it serialized before an upgrade.
    assert found["timetables"] == [
        "ses_ops.orchestration.timetable.SendTaskTimetable",
        "ses_ops.timetables.send_task.SendTaskTimetable",
    ]
    assert found["earlier"] == ["recurring", "0 9 * * MON", "ses_ops.timetables.send_task.SendTaskTimetable"]
    assert found["bare"] == []
    assert found["views"] == ["nav", "dag", "dag_run"]
    # Every task's process loads the plugin: it must not pay for the pages.
    assert sorted(found["console"]) == [
        "ses_ops.console",
        "ses_ops.console.deferred_app",
        "ses_ops.console.registration",
    ]
    assert "plugins" not in found["email"]
