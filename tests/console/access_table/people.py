"""Who gets what from people/page.py."""

from tests.console.access_table import changes, needs_right

ROUTES = {
    "GET /suppression/erase": needs_right("/suppression/erase"),
    "POST /suppression/erase": changes("/suppression/erase", address="ann@example.com", confirmed="yes"),
}
