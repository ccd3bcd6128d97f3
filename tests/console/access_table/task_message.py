"""Who gets what from tasks/message.py."""

from tests.console.access_table import reads

# Nothing was sent in the world of test_access.py.
ROUTES = {
    "GET /tasks/{name}/messages/{occurrence_id}/{seq}": reads(
        "/tasks/hello/messages/1/1", rule="reads_task", status=404
    )
}
