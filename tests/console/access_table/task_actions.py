"""Who gets what from tasks/actions.py."""

from tests.console.access_table import changes

ROUTES = {
    "POST /tasks/{name}/pause": changes("/tasks/hello/pause", rule="edits_task"),
    "POST /tasks/{name}/resume": changes("/tasks/hello/resume", rule="edits_task"),
    "POST /tasks/{name}/retry-failed": changes(
        "/tasks/hello/retry-failed", rule="starts_task", confirmed="yes", code="550"
    ),
    "POST /tasks/{name}/resend-unknown": changes("/tasks/hello/resend-unknown", rule="starts_task", confirmed="yes"),
    "POST /tasks/{name}/assume-sent": changes("/tasks/hello/assume-sent", rule="edits_task", confirmed="yes"),
    "POST /tasks/{name}/cancel": changes("/tasks/hello/cancel", rule="edits_task", confirmed="yes"),
    "POST /tasks/{name}/delete": changes("/tasks/hello/delete", rule="deletes_task", confirmed="yes"),
}
