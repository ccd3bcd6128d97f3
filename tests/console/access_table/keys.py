"""Who gets what from keys/pages.py: looking is shared, making and revoking is for who writes plans."""

from tests.console.access_table import reads
from tests.console.access_table.callbacks import writes

# The world of test_access.py has no key.
ROUTES = {
    "GET /keys": reads("/keys"),
    "GET /new-key": writes("/new-key", status=200, audited=False),
    "POST /new-key": writes("/new-key", status=422, audited=False, name="shop"),
    "POST /keys/{key}/revoke": writes("/keys/shop/revoke", status=404, audited=False, confirmed="yes"),
}
