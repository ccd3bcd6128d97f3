"""Ports are looked at before anything starts."""

from __future__ import annotations

import socket

import pytest

from ses_ops.errors import SesError
from ses_ops.stack.ports import WantedPort, check_ports


def _wanted(port: int, setting: str = "SES_WEB_PORT", host: str = "127.0.0.1") -> WantedPort:
    return WantedPort(setting=setting, host=host, port=port, purpose="web page")


@pytest.fixture
def taken() -> int:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_named_with_its_setting(taken: int) -> None:
    with pytest.raises(SesError, match=rf"port {taken} on 127.0.0.1 .* is taken .* set SES_WEB_PORT"):
        check_ports([_wanted(taken)])


def test_all_taken_ports_are_named_at_once(taken: int) -> None:
    with pytest.raises(SesError, match=r"SES_WEB_PORT .*; SES_WEB_PORT and SES_SMTP_PORT are both"):
        check_ports([_wanted(taken), _wanted(taken, "SES_SMTP_PORT")])


def test_an_address_of_another_machine_names_its_setting() -> None:
    with pytest.raises(SesError, match=r"192\.0\.2\.1"):
        check_ports([_wanted(18999, host="192.0.2.1")])


def test_a_port_that_was_free_is_free_afterwards() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_ports([_wanted(port)])
    check_ports([_wanted(port)])
