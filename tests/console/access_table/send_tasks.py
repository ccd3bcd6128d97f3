"""Who gets what from pages/send_tasks.py."""

from tests.console.access_table import reads

ROUTES = {
    "GET /tasks": reads("/tasks"),
    "GET /live/tasks": reads("/live/tasks"),
}
