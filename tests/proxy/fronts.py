"""The proxies that have a file in deploy/. nginx stands in `make test`, all of them in `make test-full`."""

from __future__ import annotations

import pytest

from tests.proxy.caddy import Caddy
from tests.proxy.haproxy import HAProxy
from tests.proxy.nginx import Nginx

FRONTS = {one.program: one for one in (Nginx, HAProxy, Caddy)}
#: For a fixture.
PARAMETERS = ["nginx", *(pytest.param(name, marks=pytest.mark.full) for name in FRONTS if name != "nginx")]
