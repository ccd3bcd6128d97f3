"""Who gets what from tasks/export.py."""

from tests.console.access_table import exports

ROUTES = {"GET /tasks/{name}/messages.csv": exports("/tasks/hello/messages.csv", rule="reads_task")}
