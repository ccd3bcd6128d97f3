"""Every fault at every step of the dialogue, with and without every extension: see fault_matrix.py."""

from __future__ import annotations

import logging
import ssl

import pytest
import trustme

from ses_ops.transports.flow.event_loop import run_in_loop
from tests.integration.smtp_servers.script import Step
from tests.integration.transports.smtp.fault_matrix import DIALOGUE, OPENING, Authority, Result, run_step


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = trustme.CA(key_type=trustme.KeyType.ECDSA)
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return Authority(str(ca_file), context)


@pytest.mark.parametrize("step", [*OPENING, *DIALOGUE])
def test_every_message_has_the_right_outcome_in_time_whatever_the_server_does_at(
    step: Step, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)  # ten thousand warnings would hide the complaints
    results = run_in_loop(run_step(step, authority))
    wrong = [describe(result) for result in results if result.complaints]
    assert not wrong, f"{len(wrong)} of {len(results)} cells:\n" + "\n".join(wrong[:20])


def describe(result: Result) -> str:
    cell = result.cell
    lacks = [name for name, offered in cell.offers._asdict().items() if not offered]
    without = f", without {', '.join(lacks)}" if lacks else ""
    return f"{cell.when} {cell.step}: {cell.act.name} (tls {cell.tls.value}{without}): {'; '.join(result.complaints)}"
