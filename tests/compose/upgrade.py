"""The version before with a ledger in use, then this one in mid mailing; and back, which cannot be."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.compose import before
from tests.compose.arrived import one_each
from tests.compose.document import commands, run_as_written
from tests.compose.images import REPOSITORY, copy_tracked
from tests.compose.mailing import begin, quota, received, task
from tests.compose.project import EngineError, Project, wait_for
from tests.compose.report import Report
from tests.compose.scene import MAILBOX, Scene

RECIPIENTS = 600
A_DAY = 250
#: So that a day's mail takes a while, and the upgrade falls into it.
_RELAY = MAILBOX + "&max_messages_per_second=20"
_SCHEMA_OF_NOBODY = "9999"


def run(scene: Scene) -> None:
    """Old, new, and the attempt to go back."""
    settings = {
        "AIRFLOW_CONN_SES_SMTP": _RELAY,
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": f"'{quota(A_DAY)}'",
        "SES_IMAGE": before.IMAGE,
    }
    old = before.source(scene.engine)
    with scene.installation(["demo"], settings, source=old) as project:
        with scene.report.step("the version before: up, until every container is healthy"):
            project.up()
        with scene.report.step(
            f"the version before: {RECIPIENTS} recipients under {A_DAY} a day; the first 60 have it"
        ):
            begin(project, "spring", RECIPIENTS)
            wait_for("mail", lambda: len(received(project, "spring")) >= 60, 120)
        _upgrade(project, scene.report)
        _the_rest(project, scene.report)
        _downgrade(project, scene.report, old)
        _newer_than_this_one(project, scene.report)


def _upgrade(project: Project, report: Report) -> None:
    stop_and_dump, bring_up = re.split(r"^git pull.*\n", commands("Upgrading")[0], flags=re.MULTILINE)
    with report.step(
        "docs/production.md, Upgrading: all but the database stops in mid chunk, both databases are dumped"
    ):
        run_as_written(project, stop_and_dump)
        counts = _counts(project)
        report.figure("the ledger before the upgrade", counts)
        assert "sent" in counts, counts
        assert counts != f"sent {RECIPIENTS}", "the mailing was over before the upgrade"
    with report.step("this version's files and image, the same .env; up, until every container is healthy"):
        _replace_files(project, REPOSITORY, image=None)
        run_as_written(project, bring_up)
        project.wait_healthy()
    with report.step("migrate ran once; the new service api is there, too"):
        said = project.logs(project.service("migrate")[0])
        assert said.count(f"schema {before.SCHEMA} -> ") == 1, said
        assert project.health("api") == "healthy", project.health("api")


def _counts(project: Project) -> str:
    """What the ledger says of its messages, such as `sent 120, pending 480`."""
    return sql(
        project,
        "SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM"
        " (SELECT state::text, count(*) AS n FROM message GROUP BY 1) AS all_of_them",
    )


def sql(project: Project, statement: str, database: str = "ses") -> str:
    """What psql prints for a statement, bare."""
    return project.inside("postgres", "psql", "-U", "postgres", "-d", database, "-Atqc", statement).strip()


def _the_rest(project: Project, report: Report) -> None:
    with report.step("mailing goes on to its end: all of it arrives, once each, and the ledger says so"):
        wait_for("the end", lambda: task(project, "spring")["status"] == "finished", 240, every=3)
        one_each(received(project, "spring"), RECIPIENTS)
        assert _counts(project) == f"sent {RECIPIENTS}", _counts(project)


def _replace_files(project: Project, source: Path, *, image: str | None) -> None:
    """`git pull`: other files, the same .env; but the image that it names."""
    for one in project.folder.iterdir():
        if one.name not in (".env", "given") and one.suffix != ".dump":
            shutil.rmtree(one) if one.is_dir() else one.unlink()
    copy_tracked(source, project.folder)
    file = project.folder / ".env"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("SES_IMAGE=")]
    file.write_text("\n".join([*lines, *([f"SES_IMAGE={image}"] if image else [])]) + "\n")


def refusal(project: Project, *command: str) -> str:
    """What a command says that has to fail, in a container of its own."""
    try:
        said = project.once(*command)
    except EngineError as problem:
        return " ".join(line for line in str(problem).splitlines() if "rror" in line)
    raise AssertionError(f"{' '.join(command)} should have failed, and said: {said}")


def _downgrade(project: Project, report: Report, old: Path) -> None:
    with report.step("back to the version before: it says that it cannot, nothing starts, and nothing was changed"):
        project.compose("stop", *(one for one in _SENDERS if one != "postgres"))
        dumped = _dump(project)
        _replace_files(project, old, image=before.IMAGE)
        said = refusal(project, "ses", "migrate")
        report.figure("the version before, `ses migrate`", said[-300:])
        assert "0025" in said or "revision" in said, said
        report.figure(
            "the version before, `airflow db migrate`",
            (project.once("airflow", "db", "migrate").strip().splitlines() or [""])[-1],
        )
        with pytest.raises(EngineError, match="migrate"):
            project.compose("up", "-d", "--no-build")
        running = {
            facts["Labels"]["com.docker.compose.service"]
            for facts in project.containers().values()
            if facts["State"] == "running"
        }
        assert running <= {"postgres", "mailpit"}, f"running all the same: {running}"
        assert _dump(project) == dumped, "the attempt has changed the database"


_SENDERS = ("api-server", "scheduler", "dag-processor", "triggerer", "public", "bounces", "callbacks", "api")


def _dump(project: Project) -> str:
    """The whole ledger as SQL; without the line that is a new random word each time."""
    text = project.inside("postgres", "pg_dump", "-U", "postgres", "ses")
    return "\n".join(line for line in text.splitlines() if "restrict " not in line)


def _newer_than_this_one(project: Project, report: Report) -> None:
    with report.step("this version on a newer schema, of ours or of Airflow's: says so, and changes nothing"):
        _replace_files(project, REPOSITORY, image=None)
        sql(project, f"UPDATE ses_schema_version SET version_num = '{_SCHEMA_OF_NOBODY}'")
        dumped = _dump(project)
        said = refusal(project, "ses", "migrate")
        report.figure("this version, `ses migrate` on a newer schema", said[-300:])
        assert "newer version's schema" in said, said
        assert _dump(project) == dumped, "the attempt has changed the database"
        known = sql(project, "SELECT version_num FROM alembic_version", "airflow")
        sql(project, "UPDATE alembic_version SET version_num = 'ffffffffffff'", "airflow")
        report.figure(
            "Airflow, `airflow db migrate` on a newer schema", refusal(project, "airflow", "db", "migrate")[-300:]
        )
        assert sql(project, "SELECT version_num FROM alembic_version", "airflow") == "ffffffffffff" != known
