"""Who gets what from messages/: single messages belong to no DAG, so they are shared."""

from tests.console.access_table import changes, reads

# The world of test_access.py has no single message.
MESSAGE = "/messages/0193a000-0000-7000-8000-000000000000"

ROUTES = {
    "GET /messages": reads("/messages?status=failed"),
    "GET /messages/{message_id}": reads(MESSAGE, status=404),
    "POST /messages/{message_id}/cancel": changes(f"{MESSAGE}/cancel", status=404, confirmed="yes"),
    "POST /messages/{message_id}/resend": changes(f"{MESSAGE}/resend", status=404, confirmed="yes"),
}
