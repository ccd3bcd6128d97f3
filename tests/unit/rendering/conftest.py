"""A folder of templates that a test fills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ses_ops.rendering.template import MailTemplate, load_template

#: `write(body_html="...", subject="...")` writes a template and loads it; other files as `files={"path": "text"}`.
WriteTemplate = Callable[..., MailTemplate]


@pytest.fixture
def write(tmp_path: Path) -> WriteTemplate:
    def write_template(
        *,
        html: str | None = None,
        text: str | None = None,
        subject: str = "Hello",
        files: dict[str, str] | None = None,
        name: str = "letter",
    ) -> MailTemplate:
        contents = {f"{name}/subject.txt": subject, **(files or {})}
        if html is not None:
            contents[f"{name}/body.html"] = html
        if text is not None:
            contents[f"{name}/body.txt"] = text
        for path, content in contents.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content, encoding="utf-8")
        return load_template(tmp_path, name)

    return write_template
