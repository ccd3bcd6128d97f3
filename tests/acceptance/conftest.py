"""Fixtures that start the whole stack. These tests take minutes, most of which they wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.stack_process import StackProcess

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder and put them behind all others."""
    ours = [item for item in items if _HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.acceptance)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600))
    items.sort(key=lambda item: _HERE in item.path.parents)


@pytest.fixture(scope="module")
def make_stack() -> Iterator[Callable[..., StackProcess]]:
    """Makes stacks that are not started yet; `make_stack(SES_SAMPLE="off")`. Removed at the end of the module."""
    made: list[StackProcess] = []

    def make(**settings: str) -> StackProcess:
        made.append(StackProcess(settings=settings))
        return made[-1]

    yield make
    for stack in made:
        stack.remove()
