"""Who gets what from overview/page.py."""

from tests.console.access_table import reads

ROUTES = {
    "GET /": reads("/", rule="enters_console"),
    "GET /live/overview": reads("/live/overview", rule="enters_console"),
    "GET /live/overview-days": reads("/live/overview-days", rule="enters_console"),
    "GET /first-steps/preview": reads("/first-steps/preview", status=303),
}
