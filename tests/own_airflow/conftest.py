"""One team's Airflow for all tests of this folder, with our wheel in it. What takes it away again is tried last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.own_airflow.fresh_environment import FreshEnvironment, build_wheel
from tests.own_airflow.people import Person, administrator, log_in
from tests.own_airflow.team_airflow import TeamAirflow
from tests.recording_smtp import RecordingServer

_HERE = Path(__file__).parent
#: The first and the last modules: the others need a running Airflow with our connections and may come in any order.
FIRST, LAST = ("test_first_mail",), ("test_upgrade", "test_uninstall")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These come behind all others, as they start an Airflow; among them, the modules in their order."""

    def place(item: pytest.Item) -> tuple[bool, int]:
        if _HERE not in item.path.parents:
            return (False, 0)
        name = item.path.stem
        return (True, -1 if name in FIRST else 1 + LAST.index(name) if name in LAST else 0)

    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.acceptance)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(600))
    items.sort(key=place)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, as `make dist` builds it."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def team_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshEnvironment]:
    """The team's environment, in which nobody has heard of us yet."""
    made = FreshEnvironment.make(tmp_path_factory.mktemp("team") / "venv")
    yield made
    made.remove()


@pytest.fixture(scope="session")
def team_packages(team_environment: FreshEnvironment) -> dict[str, str]:
    """What the team had before us, by name."""
    return team_environment.packages()


@pytest.fixture(scope="session")
def team(team_environment: FreshEnvironment, team_packages: dict[str, str], wheel: Path) -> Iterator[TeamAirflow]:
    """The team's Airflow, running, with our wheel and DAG files; no connection of ours is there yet."""
    airflow = TeamAirflow(team_environment)
    try:
        airflow.prepare()
        team_environment.install(wheel)
        airflow.place_our_dags()
        airflow.start()
        yield airflow
    finally:
        airflow.remove()


@pytest.fixture(scope="session")
def mail_server() -> Iterator[RecordingServer]:
    """The team's relay, which remembers who got what."""
    with RecordingServer() as server:
        yield server


@pytest.fixture
def admin(team: TeamAirflow) -> Person:
    """The team's administrator, freshly logged in."""
    return administrator(team)


@pytest.fixture
def anonymous(team: TeamAirflow) -> Person:
    return log_in(team, None)
