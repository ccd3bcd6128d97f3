"""A process that takes and sends single messages until it is killed or told to stop.

Arguments: database, mail server, name of the mailing, number of messages, messages a second. It prints the address of
each message that it has accepted.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from tests.integration.single.world import Acceptance, SingleWorld, quota


async def main(dsn: str, smtp: str, name: str, count: str, rate: str) -> None:
    world = SingleWorld.__new__(SingleWorld)
    world.dsn, world.smtp_uri, world.quota_variable = dsn, smtp, quota(1_000_000)
    sender = world.sender()
    acceptance: Acceptance = world.acceptance(sender.begin())
    sender.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    for number in range(int(count)):
        if stop.is_set():
            break
        address = f"{name}-{number}@customers.example"
        sender.add(acceptance.accept(address))
        print(address, flush=True)
        await asyncio.sleep(1 / float(rate))
    await stop.wait()
    await sender.stop()


if __name__ == "__main__":
    assert Path.cwd()
    asyncio.run(main(*sys.argv[1:]))
