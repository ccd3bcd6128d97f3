"""Who gets what from pages/message_export.py."""

from tests.console.access_table import reads

ROUTES = {"GET /tasks/{name}/messages.csv": reads("/tasks/hello/messages.csv", rule="reads_task")}
