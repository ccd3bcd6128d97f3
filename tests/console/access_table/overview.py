"""Who gets what from pages/overview.py."""

from tests.console.access_table import reads

ROUTES = {"GET /": reads("/", status=303)}
