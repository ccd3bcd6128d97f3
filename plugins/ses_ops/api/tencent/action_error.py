"""The refusal of a request in the reference's terms: one of its codes, and a sentence."""

from __future__ import annotations


class ActionError(Exception):
    """A request is refused. `code` is one of the reference's (`FailedOperation.FrequencyLimit`), misspelt as there."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


def missing(name: str, code: str = "MissingParameter") -> ActionError:
    """A required parameter is not there."""
    return ActionError(code, f"The request is missing a required parameter `{name}`.")


def wrong_type(name: str) -> ActionError:
    """A parameter has a value of another type."""
    return ActionError("InvalidParameter", f"The value type of parameter `{name}` is not valid.")


def wrong_value(name: str, why: str, code: str = "InvalidParameterValue") -> ActionError:
    """A parameter has a value that is not allowed. `why` completes "The value of parameter `X` ..."."""
    return ActionError(code, f"The value of parameter `{name}` {why}.")
