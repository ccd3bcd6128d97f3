"""Which opens and clicks of a mail are noticed: by the word of its task, else by that of its sender domain.

Mail without anybody's word is not tracked. It needs the address of the public listener, which is the installation's
(SES_PUBLIC_URL).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ses_ops.errors import InvalidInput

#: How a definition says it, in YAML and in a form.
_PAIR = re.compile(r"\s*(opens|clicks)\s*:\s*(\w+)\s*", re.IGNORECASE)
_WORDS = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
    **dict.fromkeys(("default", "null"), None),
}


class Tracking(NamedTuple):
    """What is noticed; None is the default of the sender domain."""

    opens: bool | None = None
    clicks: bool | None = None

    def or_else(self, default: Tracking) -> Tracking:
        """The same with a default for what is None."""
        opens = default.opens if self.opens is None else self.opens
        return Tracking(opens, default.clicks if self.clicks is None else self.clicks)


#: Of mail that tells nothing.
UNTRACKED = Tracking(opens=False, clicks=False)


def parse_tracking(text: str) -> Tracking:
    """Read `opens: true, clicks: false`; what is not named is None. Raises InvalidInput."""
    found: dict[str, bool | None] = {}
    for piece in text.split(","):
        pair = _PAIR.fullmatch(piece)
        name = pair[1].lower() if pair else ""
        if pair is None or name in found or pair[2].lower() not in _WORDS:
            raise InvalidInput("not_what_to_track", value=text, field="track")
        found[name] = _WORDS[pair[2].lower()]
    return Tracking(**found)


def tracking_text(tracking: Tracking) -> str | None:
    """The text of a definition; None when it says nothing."""
    said = [
        f"{name}: {'true' if value else 'false'}" for name, value in tracking._asdict().items() if value is not None
    ]
    return ", ".join(said) or None
