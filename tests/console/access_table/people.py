"""Who gets what from people/page.py and history.py."""

from tests.console.access_table import changes, needs_right, reads

ROUTES = {
    "GET /people": reads("/people?address=ann@example.com"),
    "GET /suppression/erase": needs_right("/suppression/erase"),
    "POST /suppression/erase": changes("/suppression/erase", address="ann@example.com", confirmed="yes"),
}
