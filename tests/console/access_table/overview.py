"""Who gets what from pages/overview.py."""

from tests.console.access_table import reads

ROUTES = {
    "GET /": reads("/"),
    "GET /live/overview": reads("/live/overview"),
    "GET /live/overview-days": reads("/live/overview-days"),
    "GET /first-steps/preview": reads("/first-steps/preview", status=303),
}
