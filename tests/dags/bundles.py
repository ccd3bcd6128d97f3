"""DAG bundles as a team keeps them, around copies of our DAG files, and a turn of the DAG processor over them."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BaseDagBundle

from tests.airflow_environment import REPOSITORY

FOREIGN = """
from airflow.sdk import DAG
with DAG(dag_id="foreign", schedule=None):
    pass
"""
_AS_SOMEBODY = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")


class GitFolder(BaseDagBundle):
    """A versioned bundle: a clone that is made when the bundle is initialised, and follows its repository."""

    supports_versioning = True

    def __init__(self, *, repository: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.repository = repository

    @property
    def path(self) -> Path:
        return self.base_dir / "clone" / "dags"

    def initialize(self) -> None:
        if not self.path.exists():
            git("clone", "-q", self.repository, str(self.path.parent))
        self.refresh()
        super().initialize()

    def refresh(self) -> None:
        git("pull", "-q", at=self.path.parent)

    def get_current_version(self) -> str:
        return git("rev-parse", "HEAD", at=self.path.parent)


class NoCredentials(BaseDagBundle):
    """A bundle that this process cannot even make, as an api-server without the repository's connection."""

    def __init__(self, **kwargs: Any) -> None:
        raise RuntimeError("no credentials here")

    @property
    def path(self) -> Path:
        raise AssertionError("it is never made")

    def get_current_version(self) -> None:
        raise AssertionError("it is never made")

    def refresh(self) -> None:
        raise AssertionError("it is never made")


def git(*arguments: str, at: Path | None = None) -> str:
    told = subprocess.run(["git", *arguments], cwd=at, check=True, capture_output=True, text=True)
    return told.stdout.strip()


def commit(at: Path) -> str:
    git("add", "-A", at=at)
    git(*_AS_SOMEBODY, "commit", "-q", "--allow-empty", "-m", "DAGs", at=at)
    return git("rev-parse", "HEAD", at=at)


def our_files(to: Path) -> Path:
    """Our DAG files in a folder of their own."""
    shutil.copytree(REPOSITORY / "dags", to, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return to


def our_zip(to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(to, "w") as packed:
        for file in sorted((REPOSITORY / "dags").glob("*.py")):
            packed.write(file, file.name)


def local(name: str, path: Path) -> dict[str, Any]:
    place = {"path": str(path)}
    return {"name": name, "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": place}


def of_class(name: str, kind: type, **kwargs: Any) -> dict[str, Any]:
    return {"name": name, "classpath": f"{kind.__module__}.{kind.__qualname__}", "kwargs": kwargs}


def configured(bundles: Iterable[dict[str, Any]], storage: Path) -> dict[str, str]:
    """The settings of such a team."""
    return {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(list(bundles)),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(storage),
    }


def processor_turn() -> dict[str, str]:
    """Read every file of every bundle as the DAG processor does; the import errors."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    manager, errors = DagBundlesManager(), {}
    manager.sync_bundles_to_db()
    for bundle in manager.get_all_dag_bundles():
        bundle.initialize()
        version = bundle.get_current_version()
        bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        sync_bag_to_db(bag, bundle.name, getattr(version, "version", version))
        errors |= bag.import_errors
    return errors
