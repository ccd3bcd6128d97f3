"""Who gets what from static_files.py."""

from tests.console.access_table import reads

ROUTES = {"GET /static/{name:path}": reads("/static/ses.css", rule="signed_in")}
