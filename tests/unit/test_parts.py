"""`make test` leaves nothing out: every file with tests is in exactly one of its parts, also one that is new."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.parts import IN_ORDER, ONLY_FULL, TESTS, parts


def _files(arguments: tuple[str, ...]) -> list[Path]:
    """What pytest finds for them."""
    path, *left_out = (TESTS.parent / one.removeprefix("--ignore=") for one in arguments)
    files = [path] if path.is_file() else list(path.rglob("test_*.py"))
    return [file for file in files if not any(file.is_relative_to(other) for other in left_out)]


def test_every_file_with_tests_is_in_exactly_one_part():
    found = Counter(file for part in parts() for file in _files(part.arguments))
    assert found == dict.fromkeys(TESTS.rglob("test_*.py"), 1)


def test_a_folder_that_is_named_nowhere_is_a_part_with_a_stack(tmp_path: Path):
    for file in ("own/deep/test_a.py", "own/test_b.py", "console/new/test_c.py", "acceptance/test_new.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert [(part.path, part.has_stack) for part in parts(tmp_path)] == [
        ("console", False),
        ("acceptance/test_new.py", True),
        ("own", True),
    ]


def test_the_order_names_no_part_that_is_no_more():
    assert {*IN_ORDER, *ONLY_FULL} <= {part.path for part in parts()}
