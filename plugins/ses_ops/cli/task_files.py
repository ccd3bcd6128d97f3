"""Send tasks in YAML files: found, read strictly, and turned into definitions."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from ses_ops.cli.session import SeveralProblems
from ses_ops.domain.send_task import SendTask, parse_send_task
from ses_ops.errors import InvalidInput, SesError

ENDINGS = (".yaml", ".yml")


class _StrictLoader(yaml.SafeLoader):
    """Plain values only, and no key twice: YAML itself would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_tasks(path: Path) -> dict[Path, SendTask]:
    """The definition in a file, or in every YAML file of a folder; all problems are raised together."""
    tasks: dict[Path, SendTask] = {}
    problems: list[SesError] = []
    for file in _files(path):
        try:
            tasks[file] = parse_send_task(_load(file), where=str(file))
        except SesError as problem:
            problems.append(problem)
    by_name: dict[str, Path] = {}
    for file, task in tasks.items():
        first = by_name.setdefault(task.name, file)
        if first != file:
            problems.append(InvalidInput(f"{task.name!r} is also the name in {first}", where=str(file), field="name"))
    raise_all(problems)
    return tasks


def raise_all(problems: list[SesError]) -> None:
    """Raise what was found, if anything was."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise SeveralProblems(problems)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix in ENDINGS and file.is_file())
    if not found:
        raise InvalidInput("has no .yaml file in it", where=str(path))
    return found


def _load(file: Path) -> object:
    try:
        return yaml.load(file.read_bytes(), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except OSError as cause:
        raise InvalidInput(f"cannot be read: {cause.strerror}", where=str(file)) from cause
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        place = f"{file}: line {mark.line + 1}" if mark else str(file)
        raise InvalidInput(f"is not valid YAML: {cause.problem or cause.context}", where=place) from cause
    except (yaml.YAMLError, ValueError, RecursionError) as cause:
        raise InvalidInput(f"is not valid YAML: {' '.join(str(cause).split())}", where=str(file)) from cause
