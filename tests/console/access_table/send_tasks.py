"""Who gets what from pages/send_tasks.py."""

from tests.console.access_table import reads

ROUTES = {
    "GET /tasks": reads("/tasks", rule="enters_console"),
    "GET /live/tasks": reads("/live/tasks", rule="enters_console"),
}
