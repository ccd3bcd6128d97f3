"""Every route of the native API needs a key with a scope, and is described: the document lists them all."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from ses_ops.api.app import make_routes
from ses_ops.application.secret_box import VARIABLE
from ses_ops.domain.api_key import Scope
from tests.integration.api.api_process import FERNET_KEY, new_key
from tests.integration.api.sending_api import sending_api

#: What anybody may ask for; the reference's API proves who asks by a signature.
OPEN = {"/health", "/openapi.json", "/"}
#: What any key may ask for.
ANY_KEY = {"/v1/key"}
METHODS = {"get": Scope.READ, "put": Scope.MANAGE, "patch": Scope.MANAGE, "delete": Scope.MANAGE, "post": Scope.MANAGE}
#: Requests for mail, and for what only looks.
OF_SENDING = {"/v1/messages", "/v1/messages/batch", "/v1/messages/{id}/resend", "/v1/messages/{id}/cancel"}


class NoServices:
    held = None


@pytest.fixture(scope="module")
def app():
    return make_routes(NoServices())


@pytest.fixture(scope="module")
def document(app):
    return app.openapi()


def operations(document):
    return [(method, path, operation) for path, of in document["paths"].items() for method, operation in of.items()]


def scopes_of(route: APIRoute) -> set[Scope]:
    found, waiting = set(), [route.dependant]
    while waiting:
        one = waiting.pop()
        waiting += one.dependencies
        if scope := getattr(one.call, "scope", None):
            found.add(scope)
    return found


def test_every_route_is_in_the_document_or_open(app, document):
    for route in app.routes:
        if route.path not in OPEN:
            assert route.path in document["paths"], route.path


def test_every_route_declares_the_scope_of_its_key(app):
    for route in app.routes:
        if not isinstance(route, APIRoute) or route.path in OPEN | ANY_KEY:
            continue
        scopes = scopes_of(route)
        assert len(scopes) == 1, f"{route.path} declares {scopes}"
        for method in route.methods:
            if route.path in OF_SENDING and method == "POST":
                assert scopes == {Scope.SEND}, route.path
            elif method == "GET" or route.path in LOOKS:
                assert scopes == {Scope.READ}, route.path
            else:
                assert scopes <= {Scope.MANAGE, Scope.SEND}, (method, route.path)


#: Routes that have a body and change nothing.
LOOKS = {"/v1/templates/{name}/preview", "/v1/templates/{name}/versions/{version}/preview"}


@pytest.fixture(scope="module")
def keys(api):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        return {scope: new_key(api.dsn, f"only {scope}", scopes=(scope,)) for scope in Scope}


def path_of(path: str) -> str:
    """A path with something in its places."""
    parts = [part if not part.startswith("{") else "1" for part in path.split("/")]
    return "/".join(parts)


def test_no_route_answers_without_a_key_or_with_a_wrong_one(api, document):
    with api.client() as client:
        for method, path, _ in operations(document):
            bare = client.request(method, path_of(path))
            assert (bare.status_code, bare.json()["code"]) == (401, "api_key_missing"), (method, path)
            assert bare.headers["content-type"] == "application/problem+json"
            assert bare.headers["www-authenticate"].startswith("Bearer")
            wrong = {"Authorization": "Bearer AKIDnobody:secret"}
            answer = client.request(method, path_of(path), headers=wrong)
            assert (answer.status_code, answer.json()["code"]) == (401, "api_key_wrong"), (method, path)


def test_no_route_answers_to_a_key_without_the_scope(api, document, keys):
    for scope, other in ((Scope.SEND, Scope.READ), (Scope.READ, Scope.SEND)):
        with api.client(keys[other]) as client:
            for method, path, operation in operations(document):
                if path in ANY_KEY or operation["x-scope"] != scope:
                    continue
                answer = client.request(method, path_of(path))
                assert (answer.status_code, answer.json()["code"]) == (403, "api_key_scope_missing"), (method, path)


def test_every_operation_has_words_and_an_example(document):
    for method, path, operation in operations(document):
        if path in ANY_KEY:
            continue
        assert operation["summary"], (method, path)
        assert operation["description"].endswith("."), (method, path)
        good = [one for status, one in operation["responses"].items() if status.startswith("2") and status != "204"]
        for answer in good:
            assert "example" in answer["content"]["application/json"], (method, path)
        if method in ("put", "patch") or (method == "post" and "requestBody" in operation):
            assert "example" in operation["requestBody"]["content"]["application/json"], (method, path)


def test_names_of_operations_are_unique(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_the_examples_of_new_things_are_accepted(tmp_path, ses_dsn, document, mail_server):
    process = sending_api(ses_dsn, tmp_path / "home", mail_server.uri)
    process.start()
    try:
        with process.client(new_key(ses_dsn, "examples")) as client:
            for method, path, operation in operations(document):
                if "requestBody" not in operation or "{" in path:
                    continue
                example = operation["requestBody"]["content"]["application/json"]["example"]
                answer = client.request(method, path, json=example)
                assert answer.is_success, (method, path, answer.text)
                assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
    finally:
        process.kill()
