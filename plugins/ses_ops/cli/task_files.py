"""Reader of the YAML files of send tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import available_timezones

from ses_ops.cli.meant import meant
from ses_ops.cli.session import SeveralProblems
from ses_ops.cli.task_yaml import TaskYaml, read_yaml
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.send_task import Advertisement, SendTask, read_send_task
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.errors import InvalidInput, SesError

ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class TaskFiles:
    """The definitions that were read, and the problems of the other files."""

    tasks: dict[Path, SendTask] = field(default_factory=dict)
    #: Fields of every file, as far as the file can be read.
    read: dict[Path, TaskYaml] = field(default_factory=dict)
    problems: list[SesError] = field(default_factory=list)


def read_tasks(path: Path) -> TaskFiles:
    """The definition in a file, or in every YAML file of a folder. Raises InvalidInput when there is no file."""
    found = TaskFiles()
    for file in _files(path):
        read = read_yaml(file)
        found.problems.extend(read.problems)
        if read.entry is None:
            continue
        found.read[file] = read
        task, problems = read_send_task(read.entry, where=str(file), lines=read.lines)
        # A field that YAML misunderstood is reported once, and not as a missing field too.
        told = {problem.field for problem in read.problems if problem.field}
        found.problems.extend(_with_meant(one, read.entry) for one in problems if one.field not in told)
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


def _with_meant(problem: InvalidInput, entry: Mapping[str, str | None]) -> SesError:
    """A problem of a field with few allowed words, with the word that was probably meant."""
    words = {
        "type": [one.value for one in TaskType if one.listed],
        "advertisement": [one.value for one in Advertisement],
        "unsubscribe": [one.value for one in UnsubscribeLanguage],
        "on_unknown": [one.value for one in OnUnknown],
        "time_zone": available_timezones() if problem.field == "time_zone" else (),
    }
    given = entry.get(problem.field or "") or ""
    hint = meant(given, words.get(problem.field or "", ()))
    return SesError(f"{problem}{hint}") if hint else problem


def unknown_names(
    read: Mapping[Path, TaskYaml], *, templates: list[str], groups: list[str]
) -> dict[Path, list[SesError]]:
    """The templates and groups that files name and that do not exist, as problems to report with the others."""
    found: dict[Path, list[SesError]] = {}
    for file, one in read.items():
        for key, known in (("template", templates), ("group", groups)):
            name = (one.entry or {}).get(key)
            if not name or name in known:
                continue
            line = f" (line {one.lines[key]})" if key in one.lines else ""
            if key == "group":
                text = f"there is no recipient group {name!r}; `ses group import {name} FILE.csv` makes it"
            else:
                text = f"there is no template named {name!r}; there are {', '.join(known) or 'none'}"
            problem = InvalidInput(f"{text}{line}{meant(name, known)}", where=str(file), field=key)
            found.setdefault(file, []).append(problem)
    return found


def raise_all(problems: list[SesError]) -> None:
    """Raise the problems, if there are any."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise SeveralProblems(problems)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        # A dangling link is reported as well, and not skipped.
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
