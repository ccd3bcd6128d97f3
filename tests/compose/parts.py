"""The parts of the run, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.compose import build, kills, local, memory, security, workers
from tests.compose.scene import Scene


@dataclass(frozen=True)
class Part:
    """What runs in namespaces of its own."""

    run: Callable[[Scene], None]
    #: In a network with nobody in it. Images are built in the machine's: their programs need the package indexes.
    network: bool = True


PARTS = {
    "images": Part(build.run, network=False),
    "local": Part(local.run),
    "security": Part(security.run),
    "restarts": Part(kills.restarts),
    "kills": Part(kills.kills),
    "celery": Part(workers.run),
    "memory": Part(memory.run),
}
