"""Who gets what from callbacks/pages.py, add.py and decide.py: looking is shared, deciding is for who writes plans."""

from tests.console.access_table import Line, reads


def writes(path: str, *, status: int, audited: bool, cross_site: int = 403, **form: str) -> Line:
    """A route for persons who may write the Variable with the warm-up plans: an endpoint gets all addresses."""
    rights = {"viewer": 403, "user": 403, "admin": status, "cross_site": cross_site}
    return Line(path=path, **rights, rule="writes_quota", form=form, audited=audited)


# The world of test_access.py has no endpoint: what asks first answers, what changes says that it is not there.
ROUTES = {
    "GET /callbacks": reads("/callbacks"),
    "GET /callbacks/{endpoint}": reads("/callbacks/hook", status=404),
    "GET /new-callback": writes("/new-callback", status=200, audited=False),
    "POST /new-callback": writes("/new-callback", status=422, audited=True, name="hook", url="ftp://example.com"),
    "POST /callbacks/{endpoint}/pause": writes("/callbacks/hook/pause", status=404, audited=True),
    "POST /callbacks/{endpoint}/resume": writes("/callbacks/hook/resume", status=404, audited=True),
    "POST /callbacks/{endpoint}/test": writes("/callbacks/hook/test", status=404, audited=True),
    "POST /callbacks/{endpoint}/rotate": writes("/callbacks/hook/rotate", status=200, audited=False),
    "POST /callbacks/{endpoint}/remove": writes("/callbacks/hook/remove", status=200, audited=False),
    "POST /callbacks/{endpoint}/replay": writes("/callbacks/hook/replay", status=404, audited=True, since="2026-11-29"),
}
