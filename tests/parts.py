"""The parts of the tests: what one process of `make test` runs, with the servers and the browser that it shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parent
#: Folders whose modules and folders are a part each: every one starts stacks of its own.
STACKS = ("acceptance",)
#: Folders that are parts, though they lie in another one. What is new in a folder belongs to the innermost part.
FOLDERS = (
    *("console", "console/browser", "dags", "installation", "unit"),
    *("integration", "integration/api", "integration/public", "integration/sending", "integration/transports"),
)
#: What takes longest begins first, and what waits most beside what works most (`unit`, which never waits). The last are
#: short, so that no process is alone at the end; what is not named here comes behind.
IN_ORDER = (
    "acceptance/test_servers_killed.py",
    "acceptance/under_fire",
    "console/browser",
    "unit",
    "integration",
    "console",
    "acceptance/make_run",
    "integration/sending",
    "integration/api",
    "proxy",
    "own_airflow",
    "dags",
    "acceptance/test_celery.py",
    "integration/transports",
    "integration/public",
    "installation",
    "acceptance/test_run_ended.py",
)
#: Only in `make test-full`: a minute and a half of CPU each, for what hardly changes or has a command of its own.
ONLY_FULL = ("acceptance/test_celery.py", "own_airflow")


@dataclass(frozen=True)
class Part:
    """What one process runs."""

    #: A folder or a file below tests/.
    path: str
    #: For pytest, from the repository.
    arguments: tuple[str, ...]
    #: It starts Airflow's components.
    has_stack: bool
    #: More variables of its environment.
    environment: Mapping[str, str] = field(default_factory=dict)


#: Only in `make test-full`: the console in the browser once more, behind nginx with TLS and a path prefix.
BEHIND_PROXY = Part(
    "console/browser behind a proxy",
    ("tests/console/browser",),
    has_stack=False,
    environment={"SES_BEHIND_PROXY": "1"},
)


def parts(tests: Path = TESTS) -> list[Part]:
    """All of them, in the order in which they begin; every test is in exactly one."""
    paths = {_part_of(file.relative_to(tests)) for file in tests.rglob("test_*.py")}
    found = [
        Part(
            path,
            (f"tests/{path}", *(f"--ignore=tests/{one}" for one in sorted(paths) if one.startswith(f"{path}/"))),
            has_stack=path not in FOLDERS,
        )
        for path in paths
    ]
    last = len(IN_ORDER)
    return sorted(found, key=lambda one: (IN_ORDER.index(one.path) if one.path in IN_ORDER else last, one.path))


def _part_of(file: Path) -> str:
    """The part of a file with tests. A folder that is named nowhere is one, and is taken to have a stack."""
    if file.parts[0] in STACKS:
        return "/".join(file.parts[:2])
    within = [folder for folder in FOLDERS if file.is_relative_to(folder)]
    return max(within, key=len, default=file.parts[0])
