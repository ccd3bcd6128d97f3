"""The limits that flow control reads from a mail server's settings, whatever the protocol."""

from __future__ import annotations

from typing import Protocol


class Limits(Protocol):
    """Part of the settings of any transport."""

    @property
    def connections(self) -> int:
        """Largest number of connections at once."""

    @property
    def timeout(self) -> float:
        """Seconds that the server has to answer a command."""

    @property
    def data_timeout(self) -> float:
        """Seconds that the server has to answer the final dot of a message."""

    @property
    def unavailable_after(self) -> float:
        """Seconds without any progress after which the run ends."""
