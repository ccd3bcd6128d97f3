"""Who gets what from tasks/new.py."""

from tests.console.access_table import changes, needs_right

_FORM = {"name": "fresh", "type": "immediate", "template": "hello", "group": "customers", "sender": "news@example.com"}

ROUTES = {
    "GET /new-task": needs_right("/new-task"),
    "POST /new-task/review": changes("/new-task/review", status=200, audited=False, **_FORM),
    "POST /new-task": changes("/new-task", **_FORM),
    "POST /new-task/test": changes("/new-task/test", status=422, audited=False, **_FORM),
    "GET /new-task/mail": needs_right("/new-task/mail?template=hello&group=customers"),
}
