"""The limits of a mail server's settings that pacing needs, whatever the protocol."""

from __future__ import annotations

from typing import Protocol


class Limits(Protocol):
    """Part of the settings of any transport."""

    @property
    def connections(self) -> int:
        """Number of connections at most."""

    @property
    def timeout(self) -> float:
        """Seconds that the server has to answer a command."""

    @property
    def data_timeout(self) -> float:
        """Seconds that the server has to answer the final dot of a message."""

    @property
    def unavailable_after(self) -> float:
        """Seconds without any progress after which the run ends."""
