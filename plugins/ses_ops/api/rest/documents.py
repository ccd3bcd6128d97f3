"""The OpenAPI document of the native API: answers described by examples, and schemas that are made of these."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute

from ses_ops.api.rest.examples import EXAMPLE_PROBLEM, Loose, Maybe

if TYPE_CHECKING:
    from fastapi import FastAPI

Responses = dict[int | str, dict[str, Any]]

_WHY = {
    400: "The request cannot be read, or a field or a parameter is wrong: `field` names it.",
    401: "There is no key, or not this one.",
    403: "The key is not for this: another scope, or another sender domain.",
    404: "There is no such object, or the key may not see it.",
    409: "The state of the object does not allow this, or an equal request is still under way.",
    412: "`If-Match` names another state: somebody has changed the object since.",
    413: "The body is too large.",
    415: "The body is not JSON, or it is compressed.",
    422: "The request can be read, and what it asks for cannot be done.",
    429: "Too many requests, or no quota is left today: `Retry-After` has the seconds until it is worth a try.",
    503: "PostgreSQL cannot be reached: try again after `Retry-After` seconds. Nothing was done.",
}


def schema_of(example: Any) -> dict[str, Any]:
    """The JSON schema of values like an example; `Maybe` in it is a value that may be null, `Loose` any value."""
    if isinstance(example, Loose):
        return {}
    if isinstance(example, Maybe):
        inner = schema_of(example.value)
        kind = inner.get("type")
        return {**inner, "type": [*([kind] if isinstance(kind, str) else kind or []), "null"]} if kind else {}
    if isinstance(example, dict):
        properties = {name: schema_of(one) for name, one in example.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}
    if isinstance(example, list):
        return {"type": "array", "items": schema_of(example[0]) if example else {}}
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(example, kind):
            return {"type": name}
    return {}


def plain(example: Any) -> Any:
    """An example as JSON has it."""
    if isinstance(example, Maybe | Loose):
        return plain(example.value)
    if isinstance(example, dict):
        return {name: plain(one) for name, one in example.items()}
    return [plain(one) for one in example] if isinstance(example, list) else example


def content(example: Any, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON of a body by an example, and its schema."""
    return {"application/json": {"schema": schema or schema_of(example), "example": plain(example)}}


def one_of(example: Any, *, status: int = 200, words: str = "As asked for.") -> Responses:
    """The answer of a route: an object, with its ETag."""
    return {
        status: {"description": words, "content": content(example)},
        304: {"description": "`If-None-Match` has it."},
    }


def listed(example: Any, *, cursor: str = "Null: this was the last page.", more: bool = False) -> Responses:
    """The answer of a route: a page of objects."""
    page = {"data": [example], "next_cursor": Maybe("WyJldmVudHMiXQ"), **({"more": True} if more else {})}
    made = content(page)
    made["application/json"]["schema"]["properties"]["next_cursor"]["description"] = cursor
    return {200: {"description": "A page.", "content": made}}


def done(example: Any, words: str, *, status: int = 200) -> Responses:
    """The answer of a change."""
    return {status: {"description": words, "content": content(example)}}


def body(example: Any, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """`openapi_extra` of a route whose body is read by hand."""
    return {"requestBody": {"required": True, "content": content(example, schema)}}


def problem(status: int) -> dict[str, Any]:
    """The answer of a refused request."""
    schema = {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "A stable name."},
            "detail": {"type": "string", "description": "What is wrong, in one sentence."},
            "field": {"type": "string", "description": "The field, parameter or header that is wrong."},
        },
        "required": ["status", "code", "detail"],
    }
    example = {**EXAMPLE_PROBLEM, "status": status} if status == 400 else None
    media: dict[str, Any] = {"schema": schema, **({"example": example} if example else {})}
    return {"description": _WHY[status], "content": {"application/problem+json": media}}


#: What every route may answer; routes that change something have more.
PROBLEMS: Responses = {status: problem(status) for status in (400, 401, 403, 404, 429, 503)}
CHANGE_PROBLEMS: Responses = {status: problem(status) for status in (409, 412, 413, 415, 422)}


def describe(app: FastAPI) -> None:
    """Have the document of an app say what FastAPI cannot know: how a request is authorised."""
    made = app.openapi

    @cache
    def document() -> dict[str, Any]:
        found = made()
        found["info"]["description"] = _ABOUT
        scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "ID:SECRET"}
        found.setdefault("components", {})["securitySchemes"] = {"key": scheme}
        found["security"] = [{"key": []}]
        scopes = {(method.lower(), one.path): scope_of(one) for one in _routes(app) for method in one.methods}
        for path, methods in found["paths"].items():
            for method, operation in methods.items():
                operation["x-scope"] = scopes.get((method, path))
                for status, answer in PROBLEMS.items():
                    operation["responses"].setdefault(str(status), answer)
                # FastAPI's own answer to what is not valid; ours is 400, as problem+json.
                operation.get("responses", {}).pop("422" if _is_fastapis(operation) else "", None)
        schemas = found["components"].get("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        return found

    app.openapi = document  # type: ignore[method-assign]


def _routes(app: FastAPI) -> list[APIRoute]:
    return [one for one in app.routes if isinstance(one, APIRoute)]


def scope_of(route: APIRoute) -> str | None:
    """The scope that the key of a request has to have; None: no route of ours, or any key."""
    waiting = [route.dependant]
    while waiting:
        one = waiting.pop()
        waiting += one.dependencies
        if (scope := getattr(one.call, "scope", None)) is not None:
            return str(scope)
    return None


def _is_fastapis(operation: dict[str, Any]) -> bool:
    media = operation.get("responses", {}).get("422", {}).get("content", {})
    return "HTTPValidationError" in str(media)


_ABOUT = (
    "Single messages (sign-in codes, receipts) and everything else of this installation. Each request has a key: "
    "`Authorization: Bearer ID:SECRET`. Errors are `application/problem+json` with a stable `code`."
)
