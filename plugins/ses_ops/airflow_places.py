"""Airflow's folders and settings, found without the import of Airflow (seconds)."""

from __future__ import annotations

import configparser
import os
import sys
from functools import lru_cache
from pathlib import Path


def airflow_home() -> Path:
    """The folder AIRFLOW_HOME."""
    return expanded(os.environ.get("AIRFLOW_HOME", "").strip() or "~/airflow")


def dags_folder() -> Path:
    """Airflow's folder of DAGs."""
    given = airflow_setting("core", "dags_folder")
    return expanded(given) if given else airflow_home() / "dags"


def airflow_setting(section: str, name: str) -> str:
    """The setting in AIRFLOW__SECTION__NAME or airflow.cfg; an empty text when neither has it."""
    running = sys.modules.get("airflow.configuration")
    if running is not None and (conf := getattr(running, "conf", None)) is not None:
        return str(conf.get(section, name, fallback="") or "").strip()
    if given := os.environ.get(f"AIRFLOW__{section}__{name}".upper(), "").strip():
        return given
    file = expanded(os.environ.get("AIRFLOW_CONFIG", "").strip() or str(airflow_home() / "airflow.cfg"))
    try:
        return read_configuration(file, file.stat().st_mtime_ns).get(section, name, fallback="").strip()
    except (OSError, ValueError, configparser.Error):
        # Airflow itself reports a file that it cannot read.
        return ""


@lru_cache(maxsize=4)
def read_configuration(file: Path, changed: int) -> configparser.ConfigParser:  # noqa: ARG001 - so it is read again
    """An `airflow.cfg` that was changed at `changed`. Raises OSError, ValueError, configparser.Error."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(file.read_text(encoding="utf-8"))
    return parser


def expanded(text: str) -> Path:
    """An absolute path, with `~` and variables of the environment replaced, as in Airflow's settings."""
    return Path(os.path.abspath(os.path.expanduser(os.path.expandvars(text))))
