"""The migration job of deploy/helm/values.yaml: ours first, on databases as they are when the chart is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from ses_ops.storage.migrate import current_version


def test_our_migration_needs_no_database_of_airflows(postgres, repository, tmp_path):
    """`airflow db migrate` comes after it, so that whoever waits for Airflow's has waited for both."""
    values = yaml.safe_load((repository / "deploy" / "helm" / "values.yaml").read_text())
    assert values["migrateDatabaseJob"]["args"] == ["sh", "-c", "ses migrate && airflow db migrate"]
    name = postgres.new_database()
    done = subprocess.run(
        [Path(sys.executable).with_name("ses"), "migrate"],
        env={
            "PATH": os.environ["PATH"],
            "AIRFLOW_HOME": str(tmp_path),
            "SES_HOME": str(tmp_path / "ses"),
            "AIRFLOW_CONFIG": str(repository / "deploy" / "airflow.cfg"),
            "AIRFLOW_CONN_SES_DB": postgres.dsn(name),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody:pw@127.0.0.1:1/nothing",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    version = current_version(postgres.dsn(name))
    postgres.drop_database(name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"schema none -> {version}\n"
