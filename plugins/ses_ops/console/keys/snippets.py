"""Examples to begin with: the same sign-in code by curl, by Python, and by the reference's client for Python."""

from __future__ import annotations

import json
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from ses_ops import api_settings
from ses_ops.console.language import N_

#: Where nobody has said how programs reach the API.
UNKNOWN_ADDRESS = "http://127.0.0.1:8060"
#: Addresses that need no quoting in a shell or a program.
_PLAIN = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}")


class Snippet(NamedTuple):
    """An example."""

    name: str
    code: str


def snippets(*, id: str, secret: str, sender_domain: str, recipient: str | None) -> list[Snippet]:
    """The examples for a key, a sender domain, and the person's own address."""
    url = api_settings.api_url() or UNKNOWN_ADDRESS
    to = recipient if recipient and _PLAIN.fullmatch(recipient) else "you@example.com"
    sender = f"code@{sender_domain}"
    return [
        Snippet(N_("curl"), _curl(url, id, secret, sender, to)),
        Snippet(N_("Python"), _python(url, id, secret, sender, to)),
        Snippet(N_("Tencent Cloud SDK for Python"), _tencent(url, id, secret, sender, to)),
    ]


def _curl(url: str, id: str, secret: str, sender: str, to: str) -> str:
    message = {"from": sender, "to": [to], "subject": "Your code", "text": "123 456"}
    return (
        f"curl {url}/v1/messages \\\n  -H 'Authorization: Bearer {id}:{secret}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d '{json.dumps(message)}'"
    )


def _python(url: str, id: str, secret: str, sender: str, to: str) -> str:
    return f'''import uuid
import requests

answer = requests.post(
    "{url}/v1/messages",
    headers={{
        "Authorization": "Bearer {id}:{secret}",
        # The same for every try of one message: it is sent once.
        "Idempotency-Key": str(uuid.uuid4()),
    }},
    json={{
        "from": "{sender}",
        "to": ["{to}"],
        "subject": "Your code {{{{ code }}}}",
        "text": "It is {{{{ code }}}}.",
        "values": {{"code": "123 456"}},
    }},
    timeout=30,
)
answer.raise_for_status()
print(answer.json()["id"])'''


def _tencent(url: str, id: str, secret: str, sender: str, to: str) -> str:
    parts = urlsplit(url)
    return f'''import base64
from tencentcloud.common import credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.ses.v20201002 import models, ses_client

http = HttpProfile(protocol="{parts.scheme}", endpoint="{parts.netloc}")
key = credential.Credential("{id}", "{secret}")
client = ses_client.SesClient(key, "ap-hongkong", ClientProfile(httpProfile=http))
request = models.SendEmailRequest()
request.FromEmailAddress = "{sender}"
request.Destination = ["{to}"]
request.Subject = "Your code"
request.Simple = models.Simple()
request.Simple.Text = base64.b64encode(b"123 456").decode()
print(client.SendEmail(request).MessageId)'''
