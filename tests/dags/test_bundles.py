"""Our DAG files are found wherever a team keeps them: by what Airflow's metadata says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ses_ops.orchestration import control
from ses_ops.orchestration.dag_files import copies
from tests.airflow_environment import in_environment
from tests.dags import bundles
from tests.dags.test_airflow_control import waiting_requests


@pytest.fixture
def team(airflow_db, world, tmp_path):
    """Sets a team's bundles for the length of the test."""
    stack = []

    def use(*config) -> None:
        change = in_environment(bundles.configured(config, tmp_path / "bundles"))
        change.__enter__()
        stack.append(change)

    world.group("customers", 1)
    yield use
    while stack:
        stack.pop().__exit__(None, None, None)


def place_of(dag_id: str) -> tuple[str, str, str | None]:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        dag = session.get(DagModel, dag_id)
        return dag.bundle_name, dag.relative_fileloc, dag.bundle_version


def in_one_bundle(team, tmp_path: Path) -> tuple[str, str]:
    team(bundles.local("mail", bundles.our_files(tmp_path / "mail")))
    return "mail", "send_tasks.py"


def in_a_subfolder(team, tmp_path: Path) -> tuple[str, str]:
    bundles.our_files(tmp_path / "dags" / "marketing" / "mail")
    team(bundles.local("dags-folder", tmp_path / "dags"))
    return "dags-folder", "marketing/mail/send_tasks.py"


def in_one_of_several(team, tmp_path: Path) -> tuple[str, str]:
    for name in ("first", "last"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text(bundles.FOREIGN.replace('"foreign"', f'"{name}"'))
    bundles.our_files(tmp_path / "ours")
    team(*(bundles.local(name, tmp_path / name) for name in ("first", "ours", "last")))
    return "ours", "send_tasks.py"


def under_another_name(team, tmp_path: Path) -> tuple[str, str]:
    ours = bundles.our_files(tmp_path / "mail")
    (ours / "send_tasks.py").rename(ours / "mass_mail.py")
    team(bundles.local("mail", ours))
    return "mail", "mass_mail.py"


@pytest.mark.parametrize("layout", [in_one_bundle, in_a_subfolder, in_one_of_several])
def test_the_first_task_of_all_gets_its_dag_at_once_wherever_our_files_are(team, world, tmp_path, layout):
    bundle, relative = layout(team, tmp_path)
    assert bundles.processor_turn() == {}
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    assert waiting_requests() == [], "nothing is left to the DAG processor"
    assert place_of("send_task__new") == (bundle, relative, None)
    assert control.update_dags(created=[], changed=["new"])
    assert waiting_requests() == [(bundle, relative)]
    assert bundles.processor_turn() == {}
    assert place_of("send_task__new") == (bundle, relative, None), "as the DAG processor has it"


def test_a_file_that_somebody_renamed_is_found_by_its_own_dags(team, world, tmp_path):
    bundle, relative = under_another_name(team, tmp_path)
    world.task("old", group="customers")
    bundles.processor_turn()
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    assert place_of("send_task__new") == (bundle, relative, None)


def git_repository(tmp_path: Path) -> tuple[Path, Path]:
    """A bare repository, and a working copy from which it is pushed to."""
    bare, work = tmp_path / "origin.git", tmp_path / "work"
    bundles.git("init", "-q", "--bare", "-b", "main", str(bare))
    bundles.git("clone", "-q", str(bare), str(work))
    bundles.git("checkout", "-q", "-b", "main", at=work)
    bundles.our_files(work / "dags")
    bundles.commit(work)
    bundles.git("push", "-q", "origin", "main", at=work)
    return bare, work


@pytest.fixture(params=["a versioned bundle", "GitDagBundle"])
def git_bundle(request, team, tmp_path):
    """A bundle that is a git repository: of Airflow's git provider where it is installed. Returns the working copy."""
    bare, work = git_repository(tmp_path)
    if request.param == "GitDagBundle":
        git = pytest.importorskip("airflow.providers.git.bundles.git")
        place = {"repo_url": str(bare), "tracking_ref": "main", "subdir": "dags"}
        team(bundles.of_class("from-git", git.GitDagBundle, **place))
    else:
        team(bundles.of_class("from-git", bundles.GitFolder, repository=str(bare)))
    bundles.processor_turn()
    return work


def test_in_a_git_repository_a_new_task_has_the_version_that_airflow_read(git_bundle, team, world, tmp_path):
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    version = bundles.git("rev-parse", "HEAD", at=git_bundle)
    assert place_of("send_task__new") == ("from-git", "send_tasks.py", version)
    newer = bundles.commit(git_bundle)
    bundles.git("push", "-q", "origin", "main", at=git_bundle)
    bundles.processor_turn()
    world.task("newer", group="customers")
    assert control.update_dags(created=["newer"], changed=[])
    assert place_of("send_task__newer") == ("from-git", "send_tasks.py", newer)


def test_a_process_that_cannot_make_the_bundle_needs_it_for_nothing(git_bundle, team, world):
    team(bundles.of_class("from-git", bundles.NoCredentials))
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    assert place_of("send_task__new")[0] == "from-git"


def test_a_process_that_has_no_dag_files_asks_the_dag_processor(team, world, tmp_path):
    bundle, relative = in_a_subfolder(team, tmp_path)
    bundles.processor_turn()
    (tmp_path / "dags").rename(tmp_path / "on-another-machine")
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    assert waiting_requests() == [(bundle, relative)]
    assert control.dag_switches() == {}


def test_packed_dag_files_are_asked_for_by_the_name_of_the_zip(team, world, tmp_path):
    bundles.our_zip(tmp_path / "dags" / "team" / "mail.zip")
    team(bundles.local("dags-folder", tmp_path / "dags"))
    assert bundles.processor_turn() == {}
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    assert waiting_requests() == [("dags-folder", "team/mail.zip")]
    bundles.processor_turn()
    assert "new" in control.dag_switches()


def test_before_airflow_has_read_anything_the_file_is_looked_for_in_its_bundles(team, world, tmp_path):
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    bundle, relative = in_a_subfolder(team, tmp_path)
    world.task("new", group="customers")
    assert not control.update_dags(created=["new"], changed=[]), "Airflow knows no bundle yet"
    DagBundlesManager().sync_bundles_to_db()
    assert control.update_dags(created=["new"], changed=[])
    assert place_of("send_task__new") == (bundle, relative, None)


def test_an_airflow_without_our_dag_files_is_told_nothing_and_says_so(team, world, tmp_path):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "send_tasks.py").write_text(bundles.FOREIGN)
    team(bundles.local("foreign", tmp_path / "foreign"))
    bundles.processor_turn()
    world.task("new", group="customers")
    assert not control.update_dags(created=["new"], changed=[])
    assert not control.update_dags(created=[], changed=["new"])
    control.forget_task("new")
    assert waiting_requests() == []


@pytest.mark.parametrize("content", ["import no_such_module  # DAG airflow\n", "# airflow DAG: half of a fi"])
def test_a_file_that_is_broken_just_now_is_left_to_the_dag_processor(team, world, tmp_path, content):
    bundle, relative = in_one_bundle(team, tmp_path)
    bundles.processor_turn()
    whole = (tmp_path / "mail" / relative).read_text()
    (tmp_path / "mail" / relative).write_text(content)
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    assert waiting_requests() == [(bundle, relative)]
    (tmp_path / "mail" / relative).write_text(whole)
    assert control.write_dag("new")


def test_a_bundle_that_got_another_name_is_found_under_its_new_one(team, world, tmp_path):
    world.task("old", group="customers")
    in_one_bundle(team, tmp_path)
    bundles.processor_turn()
    team(bundles.local("renamed", tmp_path / "mail"))
    bundles.processor_turn()
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    assert place_of("send_task__new") == ("renamed", "send_tasks.py", None)


def test_of_two_copies_the_one_that_airflow_read_last_wins_and_both_are_told(team, world, tmp_path):
    from airflow.utils.session import create_session

    world.task("old", group="customers")
    for name in ("one", "two"):
        bundles.our_files(tmp_path / name)
    team(bundles.local("one", tmp_path / "one"))
    bundles.processor_turn()
    with create_session() as session:
        assert copies(session) == {("one", ".")}
    team(bundles.local("one", tmp_path / "one"), bundles.local("two", tmp_path / "two"))
    bundles.processor_turn()
    world.task("new", group="customers")
    assert control.update_dags(created=["new"], changed=[])
    assert place_of("send_task__new")[0] == place_of("send_task__old")[0] == "two"
    with create_session() as session:
        assert copies(session) == {("one", "."), ("two", ".")}
