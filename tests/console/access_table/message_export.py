"""Who gets what from pages/message_export.py."""

from tests.console.access_table import exports

ROUTES = {"GET /tasks/{name}/messages.csv": exports("/tasks/hello/messages.csv", rule="reads_task")}
