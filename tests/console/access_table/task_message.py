"""Who gets what from tasks/message.py."""

from tests.console.access_table import reads

# A message that no start has.
ROUTES = {
    "GET /tasks/{name}/messages/{occurrence_id}/{seq}": reads(
        "/tasks/hello/messages/1/999999", rule="reads_task", status=404
    )
}
