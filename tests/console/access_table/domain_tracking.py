"""Who gets what from domains/tracking.py."""

from tests.console.access_table import Line

ROUTES = {
    "POST /domain-tracking/{domain:path}": Line(
        path="/domain-tracking/mail.example.com",
        viewer=403,
        user=403,
        admin=303,
        cross_site=403,
        rule="writes_quota",
        form={"nothing": "is tracked"},
        audited=True,
    ),
}
