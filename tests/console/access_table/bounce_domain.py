"""Who gets what from domains/bounce_domain.py."""

from tests.console.access_table import Line

ROUTES = {
    "POST /bounce-domain/{domain:path}": Line(
        path="/bounce-domain/mail.example.com",
        viewer=403,
        user=403,
        admin=303,
        cross_site=403,
        rule="writes_quota",
        form={"bounce_domain": "bounces.mail.example.com"},
        audited=True,
    ),
}
