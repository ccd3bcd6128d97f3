"""The supported versions of Airflow, and the differences between them.

docs/decisions/0029 has the matrix of tested versions of Airflow and Python. Importing this module imports nothing of
Airflow. The differences:

| what | Airflow 3.3 | 3.2 | where |
| --- | --- | --- | --- |
| the examples of a DagBag | are never read | are read unless `include_examples=False` | `dag_bag` |
| data of a bundle's version | `sync_bag_to_db(version_data=)` | there is none | `sync_dags` |
| a run of the future that a task asks for | `run_after` | runs at once | `run_identity`: the run's id says the time |
| type of a run that a task asks for | `operator_triggered` | `manual` | `run_identity`: the column `triggered_by` |
"""

from __future__ import annotations

import inspect
import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ses_ops.errors import SesError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

#: The oldest supported minor version, and the newest that was tested: a newer version is used, with a warning.
OLDEST = (3, 2)
NEWEST = (3, 3)
#: Packages that have Airflow's version: since Airflow 3 the code is in the first one, Airflow 2 has only the second.
_PACKAGES = ("apache-airflow-core", "apache-airflow")


class UnsupportedAirflow(SesError):
    """Airflow has a version that ses-ops does not work with."""


def airflow_version() -> str | None:
    """The installed version of Airflow; None when no Airflow is installed."""
    for package in _PACKAGES:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return None


def check_airflow(installed: str | None = None) -> None:
    """Raise UnsupportedAirflow for an unsupported version.

    Airflow shows the error as the import error of a DAG file of ses-ops; no other DAG file is affected.
    """
    given = installed or airflow_version()
    if given is not None and _minor(given) < OLDEST:
        raise UnsupportedAirflow("airflow_unsupported", oldest=_words(OLDEST), version=given)


def refusal(installed: str | None = None) -> str | None:
    """One sentence that says why ses-ops does nothing on this Airflow; None for a supported version."""
    try:
        check_airflow(installed)
    except UnsupportedAirflow as problem:
        return str(problem)
    return None


def untried(installed: str | None = None) -> str | None:
    """One sentence for an Airflow that is newer than every tested version; None for all others."""
    given = installed or airflow_version()
    if given is None or _minor(given) <= NEWEST:
        return None
    return f"ses-ops was tried with Airflow {_words(OLDEST)} to {_words(NEWEST)}, and this is Airflow {given}"


def dag_bag(file: Path, *, bundle_path: Path, bundle_name: str) -> Any:
    """The DAGs of one file, read as by the DAG processor, except that `sys.path` is not changed."""
    from airflow.dag_processing.dagbag import DagBag

    no_examples = {"include_examples": False} if _takes(DagBag.__init__, "include_examples") else {}
    return DagBag(dag_folder=str(file), bundle_path=bundle_path, bundle_name=bundle_name, **no_examples)


def sync_dags(bag: Any, *, bundle_name: str, version: str | None, version_data: Any, session: Session) -> None:
    """Write a bag's DAGs to the metadata database."""
    from airflow.dag_processing.dagbag import sync_bag_to_db

    data = {"version_data": version_data} if _takes(sync_bag_to_db, "version_data") else {}
    sync_bag_to_db(bag, bundle_name, version, session=session, **data)


def _takes(function: Any, parameter: str) -> bool:
    return parameter in inspect.signature(function).parameters


def _minor(given: str) -> tuple[int, int]:
    """The minor version: 3.2 of `3.2.0rc1`; a text that is no version counts as NEWEST and so as supported."""
    found = re.match(r"(\d+)\.(\d+)", given)
    return (int(found[1]), int(found[2])) if found else NEWEST


def _words(minor: tuple[int, int]) -> str:
    return f"{minor[0]}.{minor[1]}"
