"""Who gets what from tasks/bulk.py: everybody may ask, and each task by the rights on it."""

from tests.console.access_table import changes

ROUTES = {
    "POST /bulk-tasks": changes(
        "/bulk-tasks", rule="enters_console", status=200, name="hello", action="pause", confirmed="yes"
    ),
}
