"""Who gets what from domains/plan.py: who may write the Variable, which here the environment sets."""

from tests.console.access_table import Line

ROUTES = {
    "GET /new-domain": Line(
        path="/new-domain?domain=fresh.example", viewer=403, user=403, admin=200, cross_site=403, rule="writes_quota"
    ),
    "POST /domains/{domain:path}": Line(
        path="/domains/mail.example.com",
        viewer=403,
        user=403,
        admin=409,
        cross_site=403,
        rule="writes_quota",
        form={"plan": "standard", "started_on": "2026-01-01", "time_zone": "UTC", "step": "save"},
    ),
}
