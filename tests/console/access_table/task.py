"""Who gets what from tasks/page.py."""

from tests.console.access_table import reads

ROUTES = {
    "GET /tasks/{name}": reads("/tasks/hello", rule="reads_task"),
    "GET /dag/{dag_id}": reads("/dag/send_task__hello", rule="reads_task"),
    "GET /run/{dag_id}/{run_id}": reads("/run/send_task__hello/manual__1", rule="reads_task"),
    "GET /live/task/{name}": reads("/live/task/hello", rule="reads_task"),
}
