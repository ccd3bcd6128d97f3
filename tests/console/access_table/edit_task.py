"""Who gets what from tasks/edit.py."""

from ses_ops.application.task_definitions import fingerprint
from ses_ops.domain.send_task import parse_send_task
from tests.console.access_table import changes, needs_right

_TASK = {"type": "immediate", "template": "hello", "group": "customers", "sender": "Example <news@mail.example.com>"}
#: The task as it is when somebody opens the form, and another subject.
_SEEN = fingerprint(parse_send_task({"name": "hello", **_TASK}, where=""))
_FORM = {**_TASK, "subject": "News for {{ name }}", "seen": _SEEN}

ROUTES = {
    "GET /tasks/{name}/edit": needs_right("/tasks/hello/edit", rule="changes_task"),
    "POST /tasks/{name}/edit/review": changes(
        "/tasks/hello/edit/review", rule="changes_task", status=200, audited=False, **_FORM
    ),
    "GET /tasks/{name}/edit/mail": needs_right(
        "/tasks/hello/edit/mail?template=hello", rule="changes_task", status=404
    ),
    "POST /tasks/{name}/edit/test": changes(
        "/tasks/hello/edit/test", rule="changes_task", status=422, audited=False, **_FORM
    ),
    "POST /tasks/{name}/edit": changes("/tasks/hello/edit", rule="changes_task", **_FORM),
}
