"""Who gets what from tasks/list.py."""

from tests.console.access_table import reads

ROUTES = {
    "GET /tasks": reads("/tasks", rule="enters_console"),
    "GET /live/tasks": reads("/live/tasks", rule="enters_console"),
}
