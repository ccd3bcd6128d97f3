"""Who gets what from pages/static_files.py."""

from tests.console.access_table import reads

ROUTES = {"GET /static/{name}": reads("/static/ses.css", rule="signed_in")}
