"""Cache of the tasks' subjects as their first recipients see them."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from ses_ops.console.database import Snapshot
from ses_ops.console.template_catalogue import place_of, templates_seen, templates_state
from ses_ops.errors import SesError
from ses_ops.rendering import worker
from ses_ops.sending.mail_subject import rendered_subjects
from ses_ops.storage.tasks.mail_subjects import MailSubject, mail_subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.rendering.template_place import Place
    from ses_ops.storage.tasks.overview import TaskOverview

#: Most subjects in the cache; a list of more tasks renders some of them again at each request.
MOST = 20_000


class _Rendered:
    """Subjects by all their inputs, for one state of the templates folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: object = None
        self._kept: OrderedDict[tuple[str, ...], str] = OrderedDict()
        self._sources: dict[str, str] = {}

    def subjects(self, tasks: list[MailSubject]) -> dict[int, tuple[MailSubject, str]]:
        """The inputs and the subject by the task's id. A subject that cannot be rendered is shown as it was written."""
        with self._lock:
            state = templates_state()
            if state != self._state:
                self._kept.clear()
                self._sources = {facts.name: facts.subject for facts in templates_seen()}
                self._state = state
            unknown: dict[str, list[MailSubject]] = {}
            for one in tasks:
                if not one.first_subject and _key(one) not in self._kept:
                    unknown.setdefault(one.template, []).append(one)
            for template, some in unknown.items():
                self._render(place_of(template), template, some)
            found = {one.task_id: (one, one.first_subject or self._of(one)) for one in tasks}
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            return found

    def _render(self, place: Place, template: str, tasks: list[MailSubject]) -> None:
        try:
            made = worker.call(template, rendered_subjects, place, template, tasks)
        except SesError:
            return  # the work was stopped, or other tasks are rendered at this moment
        for task, subject in zip(tasks, made, strict=True):
            self._kept[_key(task)] = subject or self._written(task)

    def _of(self, task: MailSubject) -> str:
        return self._kept.get(_key(task)) or self._written(task)

    def _written(self, task: MailSubject) -> str:
        return task.subject or self._sources.get(task.template, "")


def _key(task: MailSubject) -> tuple[str, ...]:
    facts = (task.template, task.advertisement, task.subject or "", task.unsubscribe_url or "")
    return (*facts, json.dumps(task.values))


_RENDERED = _Rendered()


def _read(conn: Connection) -> dict[int, tuple[MailSubject, str]]:
    return _RENDERED.subjects(mail_subjects(conn))


#: Subjects by the task's id, shared by all requests.
_SUBJECTS: Snapshot[dict[int, tuple[MailSubject, str]]] = Snapshot(_read)


def subjects_of(tasks: Sequence[TaskOverview], *, fresh: bool = False) -> dict[int, str]:
    """The subjects by the task's id, as recent as the given tasks."""
    found = _SUBJECTS.get(fresh=fresh)
    if not fresh and not all(_is_of(found.get(task.id), task) for task in tasks):
        found = _SUBJECTS.get(fresh=True)
    return {task.id: found[task.id][1] if task.id in found else task.subject or "" for task in tasks}


def _is_of(found: tuple[MailSubject, str] | None, task: TaskOverview) -> bool:
    return found is not None and (found[0].subject, found[0].template) == (task.subject, task.template)
