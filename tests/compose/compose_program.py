"""podman-compose, as a program: with conditions that it leaves to podman 4.6 and newer, and Debian's podman is 4.3.

A service that waits for `service_healthy` or `service_completed_successfully` is started when that is so, and never
when what it waits for has failed: as Docker Compose does it. No container is bound to another one (`--requires`), which
Docker does not know either, and which forbids podman to restart one alone.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from typing import Any

import podman_compose
from podman_compose import PodmanCompose, ServiceDependencyCondition

_GOOD_END = 0
_every = 0.5


async def _conditions(compose: PodmanCompose, dependencies: Iterable[Any]) -> None:
    for one in dependencies or ():
        for name in compose.container_names_by_service[one.name]:
            while not await _is_met(compose, one.condition, name):
                await asyncio.sleep(_every)


async def _is_met(compose: PodmanCompose, condition: ServiceDependencyCondition, name: str) -> bool:
    found = json.loads(await compose.podman.output([], "inspect", ["--type", "container", name]))[0]["State"]
    if condition == ServiceDependencyCondition.HEALTHY:
        return bool((found.get("Health") or found.get("Healthcheck") or {}).get("Status") == "healthy")
    if condition == ServiceDependencyCondition.STOPPED:
        if found["Status"] in ("exited", "stopped") and found["ExitCode"] != _GOOD_END:
            sys.exit(f"dependency failed to start: container {name} exited ({found['ExitCode']})")
        return found["Status"] in ("exited", "stopped")
    return bool(found["Status"] == "running")


_to_arguments = podman_compose.container_to_args


async def _unbound(*given: Any, **named: Any) -> list[str]:
    return [one for one in await _to_arguments(*given, **named) if not one.startswith("--requires=")]


if __name__ == "__main__":
    podman_compose.check_dep_conditions = _conditions
    podman_compose.container_to_args = _unbound
    podman_compose.main()
