"""Who gets what from statistics/."""

from tests.console.access_table import exports, reads

ROUTES = {
    "GET /statistics": reads("/statistics", rule="enters_console"),
    "GET /statistics.csv": reads("/statistics.csv", rule="enters_console"),
    "GET /tasks/{name}/engaged.csv": exports("/tasks/hello/engaged.csv", rule="reads_task"),
    "GET /tasks/{name}/statistics": reads("/tasks/hello/statistics", rule="reads_task"),
}
