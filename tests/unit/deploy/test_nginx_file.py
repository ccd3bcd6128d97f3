"""deploy/nginx.conf against what it stands before. tests/proxy runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ses_ops.api import server as api
from ses_ops.public import server as public

CONFIGURATION = (Path(__file__).resolve().parents[3] / "deploy" / "nginx.conf").read_text(encoding="utf-8")
#: nginx's own keepalive_timeout of an upstream, in seconds.
BY_DEFAULT = 60


@pytest.mark.parametrize(("name", "kept"), [("ses_public", public.KEPT_ALIVE), ("ses_api", api.KEPT_ALIVE)])
def test_nginx_gives_an_idle_connection_up_before_the_service_does(name: str, kept: int) -> None:
    """A request on a connection that is just being closed is a 502: nginx repeats no POST."""
    (upstream,) = re.findall(rf"upstream {name} {{(.*?)}}", CONFIGURATION, re.DOTALL)
    found = re.search(r"keepalive_timeout (\d+)s;", upstream)
    assert (int(found[1]) if found else BY_DEFAULT) < kept
