"""Why a server was not run: it is printed, never skipped in silence."""


class NotRun(Exception):
    """The server cannot be installed or started on this machine; the text says why, in one line."""

    def __init__(self, why: str) -> None:
        super().__init__(" ".join(why.split())[-400:] or "no reason was given")
