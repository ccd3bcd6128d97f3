"""Who asks for changes in tests: somebody who may do everything and whose changes no audit log keeps."""

from __future__ import annotations

from ses_ops.application.ports import Actor

ANYBODY = Actor(name="ann")
