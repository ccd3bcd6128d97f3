"""The parts of the run, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.compose import backup, before, build, kills, local, memory, security, upgrade, workers
from tests.compose.scene import Scene


@dataclass(frozen=True)
class Part:
    """What runs in namespaces of its own."""

    run: Callable[[Scene], None]
    #: In a network with nobody in it. Images are built in the machine's: their programs need the package indexes.
    network: bool = True
    #: Parts that make what it uses, and run before it.
    needs: tuple[str, ...] = ("images",)


PARTS = {
    "images": Part(build.run, network=False, needs=()),
    "local": Part(local.run),
    "security": Part(security.run),
    "restarts": Part(kills.restarts),
    "kills": Part(kills.kills),
    "celery": Part(workers.run),
    "memory": Part(memory.run),
    "images-before": Part(before.run, network=False),
    "upgrade": Part(upgrade.run, needs=("images", "images-before")),
    "backup": Part(backup.run),
}
