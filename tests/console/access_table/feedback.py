"""Who gets what from feedback/page.py, unmatched.py, held.py and self_test.py."""

from tests.console.access_table import changes, needs_right, reads

ROUTES = {
    "GET /feedback": reads("/feedback"),
    # Nothing has come in the world of test_access.py.
    "GET /feedback/unmatched/{id}": needs_right("/feedback/unmatched/1", status=404),
    "POST /feedback/unmatched/read-again": changes("/feedback/unmatched/read-again"),
    "POST /feedback/unmatched/close": changes("/feedback/unmatched/close", id="1"),
    # Nothing is held: the question comes before that is looked at.
    "POST /feedback/held/approve": changes("/feedback/held/approve", provider="google", status=200, audited=False),
    "POST /feedback/held/discard": changes("/feedback/held/discard", provider="google", status=200, audited=False),
    "GET /feedback/self-test": needs_right("/feedback/self-test"),
    # Without an address nothing is sent, and nothing is written to the audit log.
    "POST /feedback/self-test": changes("/feedback/self-test", template="hello", status=422, audited=False),
    "GET /feedback/self-test/{run_id}": reads("/feedback/self-test/manual__1", status=404),
    "GET /live/feedback/self-test/{run_id}": reads("/live/feedback/self-test/manual__1", status=404),
}
