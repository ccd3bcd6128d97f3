"""The files of deploy/ for reverse proxies against what they stand before. tests/proxy runs them."""

from __future__ import annotations

import re

import pytest

from ses_ops.api import server as api
from ses_ops.public import server as public
from tests.unit.deploy.conftest import REPOSITORY

NGINX, HAPROXY, CADDY = (
    (REPOSITORY / "deploy" / name).read_text(encoding="utf-8") for name in ("nginx.conf", "haproxy.cfg", "Caddyfile")
)
COMPOSE = (REPOSITORY / "docker-compose.yaml").read_text(encoding="utf-8")
#: nginx's own keepalive_timeout of an upstream, and Caddy's keepalive, in seconds.
BY_DEFAULT, CADDYS_DEFAULT = 60, 120
SERVICES = [("public", public.KEPT_ALIVE), ("api", api.KEPT_ALIVE)]


@pytest.mark.parametrize(("name", "kept"), SERVICES)
def test_nginx_gives_an_idle_connection_up_before_the_service_does(name: str, kept: int) -> None:
    """A request on a connection that is just being closed is a 502: nginx repeats no POST."""
    (upstream,) = re.findall(rf"upstream ses_{name} {{(.*?)}}", NGINX, re.DOTALL)
    found = re.search(r"keepalive_timeout (\d+)s;", upstream)
    assert (int(found[1]) if found else BY_DEFAULT) < kept


@pytest.mark.parametrize(("name", "kept"), SERVICES)
def test_caddy_gives_an_idle_connection_up_before_the_service_does(name: str, kept: int) -> None:
    port = {"public": 8070, "api": 8060}[name]
    (proxy,) = re.findall(rf"reverse_proxy 127\.0\.0\.1:{port} {{(.*?)\n\t}}", CADDY, re.DOTALL)
    found = re.search(r"keepalive (\d+)s\n", proxy)
    assert (int(found[1]) if found else CADDYS_DEFAULT) < kept


def test_haproxy_uses_no_connection_to_the_listener_twice() -> None:
    """It has no time after which it certainly gives one up: each `pool-purge-delay` ends half of those not needed."""
    (backend,) = re.findall(r"backend ses_public\n(.*?)(?:\n\n|$)", HAPROXY, re.DOTALL)
    assert re.search(r"^ +option http-server-close$", backend, re.MULTILINE)


def test_haproxy_takes_a_head_that_the_services_take() -> None:
    """Less what HAProxy keeps free in the buffer for headers of its own (tune.maxrewrite)."""
    (octets,) = re.findall(r"tune\.bufsize (\d+)\n", HAPROXY)
    assert int(octets) - 1024 >= max(public.MOST_OF_A_HEAD, api.MOST_OF_A_HEAD)


@pytest.mark.parametrize("configuration", [NGINX, HAPROXY, CADDY], ids=["nginx", "haproxy", "caddy"])
def test_each_leads_to_the_ports_that_compose_publishes(configuration: str) -> None:
    published = re.findall(r'^ +ports: \["\$\{SES_\w+:-(127\.0\.0\.1)\}:\$\{SES_\w+:-(\d+)\}', COMPOSE, re.MULTILINE)
    wanted = {f"{address}:{port}" for address, port in published} & {f"127.0.0.1:{port}" for port in (8080, 8070, 8060)}
    assert set(re.findall(r"127\.0\.0\.1:\d+", configuration)) == wanted
    assert len(wanted) == 3
