"""Who gets what answer from which route: one module a page, with a dictionary ROUTES, read by test_access.py.

    ROUTES = {"POST /tasks/{name}/pause": Changes(path="/tasks/hello/pause")}

The key is the route as it is declared; `path` is an address that exists in the world of test_access.py, which has the
group `customers`, the send task `hello` and the template `hello`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Line:
    """One route: an address of it, and the statuses that each person gets."""

    path: str
    viewer: int
    user: int
    admin: int
    anonymous: int = 401
    #: What the user gets with a request that another site made.
    cross_site: int
    #: The rule in ses_ops.console.access that the route must declare.
    rule: str
    form: dict[str, str] = field(default_factory=dict)
    #: Whether a request that is allowed must leave a row in Airflow's audit log.
    audited: bool = False
    #: A GET that is in the audit log: somebody takes addresses away.
    exports: bool = False


def reads(path: str, *, rule: str = "reads_shared", status: int = 200) -> Line:
    """A page that everybody may see who may read SEND_DAG."""
    return Line(path=path, viewer=status, user=status, admin=status, cross_site=status, rule=rule)


def changes(path: str, *, rule: str = "changes_console", status: int = 303, audited: bool = True, **form: str) -> Line:
    """A form that needs more than a viewer's rights; `status` is what who may gets."""
    return Line(path=path, viewer=403, user=status, admin=status, cross_site=403, rule=rule, audited=audited, form=form)


def exports(path: str, *, rule: str, viewer: int = 200) -> Line:
    """A file of addresses: who took it is in the audit log."""
    return Line(path=path, viewer=viewer, user=200, admin=200, cross_site=200, rule=rule, audited=True, exports=True)


def needs_right(path: str, *, rule: str = "changes_console", status: int = 200) -> Line:
    """A page that only helps who may change something, such as a form that is still empty."""
    return Line(path=path, viewer=403, user=status, admin=status, cross_site=status, rule=rule)
