"""Who gets what from tasks/send_now.py."""

from tests.console.access_table import changes, needs_right

#: The task of that table is immediate and has one start.
ROUTES = {
    "GET /tasks/{name}/send-now": needs_right("/tasks/hello/send-now", rule="starts_task", status=409),
    "POST /tasks/{name}/send-now": changes("/tasks/hello/send-now", rule="starts_task", status=409, audited=False),
}
