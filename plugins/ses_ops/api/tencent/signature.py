"""The signatures of requests: TC3-HMAC-SHA256, and the older HmacSHA1 and HmacSHA256 over parameters.

TC3 signs a canonical request, in which the headers are those that the client names (SignedHeaders): the reference's
Python client signs content-type and host, others the action too, whose value many write in lower case. The older
signatures cover every parameter, the action among them, of a query or a form.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

from ses_ops.api.tencent.action_error import ActionError, missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SERVICE = "ses"
#: Seconds by which a client's clock may differ.
TOLERANCE = 300
_ALGORITHM = "TC3-HMAC-SHA256"
_CREDENTIAL = re.compile(
    r"(?P<id>[^/\s,]{1,200})/(?P<date>\d{4}-\d{2}-\d{2})/(?P<service>[\w:-]{1,100})/tc3_request", re.ASCII
)
_NAME_OF_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
#: Seconds until the year 5138, which dates can be made of.
_DIGITS = re.compile(r"[0-9]{1,11}")
_UNSIGNED = "UNSIGNED-PAYLOAD"
_PORT = re.compile(r":[0-9]{1,5}$")
_HASHES = {"HmacSHA1": hashlib.sha1, "HmacSHA256": hashlib.sha256}
#: Stands in for the secret of an unknown key, so that such a request takes as long as any other.
_NOBODYS = b"0" * 40


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedRequest:
    """A request as it came."""

    method: str
    #: As it stands in the request line, without the question mark.
    query: str
    #: By name in lower case; without white space around the values.
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a request says of itself. `proved_by` tells whether it is so."""

    secret_id: str
    action: str
    version: str
    token: str
    #: Unix seconds by the client's clock.
    timestamp: int
    #: As the client made it.
    signature: bytes
    #: The texts that it may be of, in bytes: clients differ in the letters of header values.
    signed: tuple[bytes, ...]
    #: `TC3-HMAC-SHA256`, `HmacSHA1`, `HmacSHA256`.
    method: str
    #: Of TC3: the date in UTC, the service, and a constant.
    scope: tuple[str, ...] = ()

    def proved_by(self, secret: bytes | None) -> bool:
        """Whether the signature is of this secret; None: that of nobody, which takes as long."""
        key = _NOBODYS if secret is None else secret
        if self.method == _ALGORITHM:
            key = b"TC3" + key
            for part in self.scope:
                key = hmac.digest(key, part.encode(), "sha256")
            made = [hmac.digest(key, text, "sha256") for text in self.signed]
        else:
            made = [hmac.digest(key, text, _HASHES[self.method]) for text in self.signed]
        equal = [hmac.compare_digest(one, self.signature) for one in made]
        return secret is not None and any(equal)

    def check_time(self, now: float) -> None:
        """Raise ActionError when it was signed more than TOLERANCE ago, or ahead."""
        if abs(now - self.timestamp) > TOLERANCE:
            raise ActionError(
                "AuthFailure.SignatureExpire",
                f"The signature is expired: its time differs from that of the server by more than {TOLERANCE} seconds.",
            )


def not_proved() -> ActionError:
    """The signature is not of the key's secret."""
    return ActionError(
        "AuthFailure.SignatureFailure",
        "The provided credentials could not be validated. Please check your signature is correct.",
    )


def is_tc3(request: SignedRequest) -> bool:
    """Whether a request has its signature in a header."""
    return "authorization" in request.headers


def tc3_claim(request: SignedRequest) -> Claim:
    """The claim of a request signed by TC3-HMAC-SHA256. Raises ActionError."""
    headers = request.headers
    for header, name in (("x-tc-action", "Action"), ("x-tc-version", "Version"), ("x-tc-timestamp", "Timestamp")):
        if not headers.get(header):
            raise missing(name)
    algorithm, _, rest = headers["authorization"].partition(" ")
    parts = dict(piece.strip().partition("=")[::2] for piece in rest.split(","))
    credential = _CREDENTIAL.fullmatch(parts.get("Credential", ""))
    names = parts.get("SignedHeaders", "").lower().split(";")
    timestamp = headers["x-tc-timestamp"]
    if algorithm != _ALGORITHM or credential is None or not _DIGITS.fullmatch(timestamp):
        raise _bad_authorization()
    if not {"content-type", "host"} <= set(names) & set(headers) or not all(map(_NAME_OF_HEADER.fullmatch, names)):
        raise _bad_authorization()
    service = credential["service"]
    # Some of the reference's clients take the first part of the host for the service: there it is ses.
    if service not in (SERVICE, headers["host"].partition(".")[0]):
        raise ActionError("AuthFailure.SignatureFailure", "The signature is of another service.")
    if credential["date"] != f"{datetime.fromtimestamp(int(timestamp), UTC):%Y-%m-%d}":
        raise ActionError("AuthFailure.SignatureFailure", "The date of the credential is not that of `X-TC-Timestamp`.")
    scope = f"{credential['date']}/{service}/tc3_request"
    begin = f"{_ALGORITHM}\n{timestamp}\n{scope}\n"
    canonical = dict.fromkeys(_canonical_requests(request, names))
    return Claim(
        secret_id=credential["id"],
        action=headers["x-tc-action"],
        version=headers["x-tc-version"],
        token=headers.get("x-tc-token", ""),
        timestamp=int(timestamp),
        signature=_hex(parts.get("Signature", "")),
        signed=tuple((begin + hashlib.sha256(one.encode()).hexdigest()).encode() for one in canonical),
        method=_ALGORITHM,
        scope=(credential["date"], service, "tc3_request"),
    )


def _canonical_requests(request: SignedRequest, names: list[str]) -> Iterable[str]:
    """The canonical request in the forms that clients sign.

    The header values as they came, in lower case, and with only the action's in lower case; the host as it came, and
    without its port (the reference's client for Node.js); the query as it came, and with its names in order, or none
    where it says nothing.
    """
    headers = dict(request.headers)
    payload = b"" if request.method == "GET" else request.body
    if headers.get("x-tc-content-sha256") == _UNSIGNED:
        payload = _UNSIGNED.encode()
    end = f"{';'.join(names)}\n{hashlib.sha256(payload).hexdigest()}"
    query = request.query
    queries = dict.fromkeys((query, "&".join(sorted(query.split("&"))), *(() if request.method == "GET" else ("",))))
    hosts = dict.fromkeys((headers["host"], _PORT.sub("", headers["host"])))
    for host, form in product(hosts, queries):
        headers["host"] = host
        for lower in ((), names, ("x-tc-action",)):
            values = ((name, headers.get(name, "")) for name in names)
            lines = "".join(f"{name}:{value.lower() if name in lower else value}\n" for name, value in values)
            yield f"{request.method}\n/\n{form}\n{lines}\n{end}"


def parameter_claim(request: SignedRequest, pairs: Mapping[str, str]) -> Claim:
    """The claim of a request that is signed in its parameters. Raises ActionError."""
    for name in ("Action", "Version", "Timestamp", "SecretId", "Nonce", "Signature"):
        if not pairs.get(name):
            raise missing(name)
    method = pairs.get("SignatureMethod") or "HmacSHA1"
    if method not in _HASHES or not _DIGITS.fullmatch(pairs["Timestamp"]):
        raise ActionError("AuthFailure.InvalidAuthorization", "`SignatureMethod` or `Timestamp` is not valid.")
    try:
        signature = base64.b64decode(pairs["Signature"], validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    # The reference's clients have dots where older ones had underscores, and sort the names before or after that.
    dotted = [(name, name.replace("_", "."), value) for name, value in pairs.items() if name != "Signature"]
    texts = ("&".join(f"{name}={value}" for _, name, value in sorted(dotted, key=order)) for order in (_first, _second))
    host = request.headers.get("host", "")
    signed = dict.fromkeys(f"{request.method}{host}/?{text}".encode() for text in texts)
    return Claim(
        secret_id=pairs["SecretId"],
        action=pairs["Action"],
        version=pairs["Version"],
        token=pairs.get("Token", ""),
        timestamp=int(pairs["Timestamp"]),
        signature=signature,
        signed=tuple(signed),
        method=method,
    )


def _first(one: tuple[str, str, str]) -> str:
    return one[0]


def _second(one: tuple[str, str, str]) -> str:
    return one[1]


def _bad_authorization() -> ActionError:
    return ActionError(
        "AuthFailure.InvalidAuthorization",
        "The `Authorization` header must be `TC3-HMAC-SHA256 Credential=SecretId/Date/ses/tc3_request, "
        "SignedHeaders=content-type;host, Signature=...`.",
    )


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
