"""Who gets what from suppression/list.py, undo.py, imports.py and reports.py."""

from tests.console.access_table import changes, exports, needs_right, reads

NOBODYS = "00000000-0000-4000-8000-000000000000"

ROUTES = {
    "GET /suppression": reads("/suppression"),
    "GET /suppression/export": exports("/suppression/export", rule="changes_console", viewer=403),
    "GET /suppression/add": needs_right("/suppression/add"),
    "POST /suppression/add": changes("/suppression/add", addresses="ann@example.com", reason="manual"),
    # Nobody is on the list of test_access.py.
    "GET /suppression/remove": needs_right("/suppression/remove?address=ann@example.com", status=404),
    "POST /suppression/remove": changes(
        "/suppression/remove", address="ann@example.com", why="asked for it", status=404, audited=False
    ),
    "GET /suppression/undo": needs_right("/suppression/undo"),
    "POST /suppression/undo": changes(
        "/suppression/undo",
        since="2026-11-01T00:00",
        until="2026-11-02T00:00",
        reason="hard_bounce",
        why="an outage",
        confirmed="yes",
    ),
    "GET /suppression/import": needs_right("/suppression/import"),
    # No file was chosen: nothing is changed, and nothing is written to the audit log.
    "POST /suppression/import": changes("/suppression/import", reason="manual", status=422, audited=False),
    "GET /suppression/reports/{id}": reads(f"/suppression/reports/{NOBODYS}", status=404),
    "GET /suppression/reports/{id}/rejected.csv": reads(f"/suppression/reports/{NOBODYS}/rejected.csv", status=404),
}
