"""A mail relay outside of the containers, which counts what each address got; and the ledger held against it."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.compose.mailing import task
from tests.compose.project import Project, wait_for
from tests.recording_smtp import RecordingServer

#: Of RFC 5737: nobody's. The containers reach it over their gateway, which is this part's own network.
_ADDRESS = "192.0.2.25"
#: Messages of one chunk whose fate may be open after the sender's death, where it leaves no journal.
OPEN_A_CHUNK = 256


@contextmanager
def relay() -> Iterator[RecordingServer]:
    """The relay; `uri_of` names it."""
    subprocess.run(["ip", "address", "replace", f"{_ADDRESS}/32", "dev", "lo"], check=True, timeout=30)
    with RecordingServer(host="0.0.0.0", keeps_contents=False) as server:
        yield server


def uri_of(server: RecordingServer, **extras: object) -> str:
    """The connection `ses_smtp` for the relay."""
    more = "".join(f"&{name}={value}" for name, value in extras.items())
    return f"smtp://{_ADDRESS}:{server.port}/?tls=none{more}"


def arrived(server: RecordingServer, name: str) -> Counter[str]:
    """How often each address of a mailing got its mail."""
    return Counter({one: count for one, count in server.accepted.copy().items() if one.startswith(f"{name}-")})


def wait_finished(project: Project, name: str, within: float) -> dict[str, int]:
    """Wait for a mailing's end; its counts, such as {"request_count": 1200, "sent_count": 1200, ...}."""
    wait_for(f"the end of {name}", lambda: task(project, name)["status"] == "finished", within, every=5)
    return {key: value for key, value in task(project, name).items() if key.endswith("_count")}


def check_account(counts: dict[str, int], got: Counter[str], *, lost_chunks: int) -> None:
    """Nothing is lost or doubled, and the doubts are bounded. Raises AssertionError."""
    doubled = [one for one, count in got.items() if count > 1]
    assert not doubled, f"got it more than once: {doubled[:5]} and {max(0, len(doubled) - 5)} more"
    sent, unknown = counts["sent_count"], counts["unknown_count"]
    assert sent + unknown == counts["request_count"], f"the counts do not add up: {counts}"
    assert sent <= len(got) <= sent + unknown, f"{len(got)} arrived, the ledger has {counts}"
    assert unknown <= OPEN_A_CHUNK * lost_chunks, f"{unknown} unknown after the loss of at most {lost_chunks} chunks"
