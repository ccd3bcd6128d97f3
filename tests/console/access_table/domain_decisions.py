"""Who gets what from domains/decide.py."""

from tests.console.access_table import Line

ROUTES = {
    "POST /domain-decisions/{domain:path}": Line(
        path="/domain-decisions/mail.example.com",
        viewer=403,
        user=403,
        admin=303,
        cross_site=403,
        rule="writes_quota",
        form={"act": "block", "reason": "a wrong list", "confirmed": "yes"},
        audited=True,
    ),
}
