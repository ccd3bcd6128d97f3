"""Send tasks in YAML files: found, read strictly, and turned into definitions, with all that is wrong with any."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ses_ops.cli.session import SeveralProblems
from ses_ops.cli.task_yaml import read_yaml
from ses_ops.domain.send_task import SendTask, read_send_task
from ses_ops.errors import InvalidInput, SesError

ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class TaskFiles:
    """The definitions that could be read, and the problems of the other files."""

    tasks: dict[Path, SendTask] = field(default_factory=dict)
    problems: list[SesError] = field(default_factory=list)


def read_tasks(path: Path) -> TaskFiles:
    """The definition in a file, or in every YAML file of a folder. Raises InvalidInput when there is no file."""
    found = TaskFiles()
    for file in _files(path):
        read = read_yaml(file)
        found.problems.extend(read.problems)
        if read.entry is None:
            continue
        task, problems = read_send_task(read.entry, where=str(file), lines=read.lines)
        # A field that YAML misunderstood is told of once, and not that it is missing as well.
        told = {problem.field for problem in read.problems if problem.field}
        found.problems.extend(problem for problem in problems if problem.field not in told)
        if task is not None and not read.problems:
            found.tasks[file] = task
    by_name: dict[str, Path] = {}
    for file, task in found.tasks.items():
        first = by_name.setdefault(task.name, file)
        if first != file:
            found.problems.append(
                InvalidInput(f"{task.name!r} is also the name in {first}", where=str(file), field="name")
            )
    return found


def raise_all(problems: list[SesError]) -> None:
    """Raise what was found, if anything was."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise SeveralProblems(problems)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        # A link that leads nowhere is told of as well, and not passed over.
        found = sorted(
            file
            for file in path.iterdir()
            if file.suffix.lower() in ENDINGS and (file.is_file() or file.is_symlink()) and not file.is_dir()
        )
    except OSError as cause:
        raise InvalidInput(f"cannot be read: {cause.strerror}", where=str(path)) from cause
    if not found:
        raise InvalidInput("has no .yaml file in it", where=str(path))
    return found
