"""The pool of nodemailer (Node.js): builds its MIME, keeps no record.

package-lock.json names the version.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from bench import messages
from bench.sent import SenderResult, run_sender
from bench.sink import program

NAME = "nodemailer pool (Node.js)"
_SOURCES = Path(__file__).parents[1] / "nodemailer"
PLACEHOLDERS = {"name": "VARname", "customer_id": "VARid", "coupon": "VARcoupon"}


class Nodemailer:
    """An installed nodemailer."""

    def __init__(self, folder: Path, node: str) -> None:
        self._folder, self._node = folder, node

    def send(self, port: int, count: int, *, connections: int = 20) -> SenderResult:
        """Send text and HTML, filled in for each recipient, over a pool of connections."""
        command = [self._node, "send.js", str(port), str(count), str(connections), "letter.json"]
        return run_sender(command, cwd=self._folder)

    @contextmanager
    def behind_http(self, port: int, *, connections: int = 20) -> Iterator[int]:
        """The port of a plain HTTP server that gives each request's message to the pool."""
        command = [self._node, "http.js", str(port), str(connections)]
        with subprocess.Popen(command, cwd=self._folder, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield int(process.stdout.readline())
            finally:
                process.kill()


@contextmanager
def installed() -> Iterator[Nodemailer]:
    """nodemailer, installed by npm into a temporary folder, with Debian's Node.js and npm if they are missing."""
    npm, node = program("npm", "nodejs", "npm"), program("node", "nodejs", "npm")
    with tempfile.TemporaryDirectory(prefix="ses-bench-") as name:
        folder = Path(name)
        for source in ("package.json", "package-lock.json", "send.js", "http.js"):
            shutil.copy(_SOURCES / source, folder)
        command = [npm, "ci", "--silent", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"npm could not install nodemailer: {(done.stderr or done.stdout).strip()[-500:]}")
        letter = asdict(messages.parts(PLACEHOLDERS))
        letter |= {
            "from": messages.SENDER,
            "names": messages.NAMES,
            "unsubscribe": "<https://shop.example.com/u?id=VARid>",
        }
        (folder / "letter.json").write_text(json.dumps(letter), encoding="utf-8")
        yield Nodemailer(folder, node)
