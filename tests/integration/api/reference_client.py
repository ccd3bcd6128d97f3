"""The reference's own client for Python, unchanged, pointed to a copy of the API."""

from __future__ import annotations

import os
from typing import Any

import pytest
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.ses.v20201002 import models, ses_client

from ses_ops.application.api_keys import KeyMade
from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, new_key

#: The ways in which it signs.
SIGN_METHODS = ("TC3-HMAC-SHA256", "HmacSHA1", "HmacSHA256")


class ReferenceClient:
    """Calls actions by name with the fields of their requests."""

    def __init__(
        self,
        url: str,
        made: KeyMade | None = None,
        *,
        id: str = "",
        secret: str = "",
        method: str = "POST",
        sign: str = SIGN_METHODS[0],
        unsigned: bool = False,
    ) -> None:
        endpoint = url.removeprefix("http://")
        # The client has a test of its own for what goes to no proxy.
        os.environ["NO_PROXY"] = f"127.0.0.1,{endpoint}"
        id, secret = (made.key.id, made.secret) if made else (id, secret)
        profile = ClientProfile(
            signMethod=sign, httpProfile=HttpProfile(protocol="http", endpoint=endpoint, reqMethod=method)
        )
        profile.unsignedPayload = unsigned
        self.sdk = ses_client.SesClient(credential.Credential(id, secret), "ap-guangzhou", profile)

    def call(self, action: str, **fields: Any) -> Any:
        """The answer as an object of the client. Raises TencentCloudSDKException."""
        request = getattr(models, f"{action}Request")()
        request._deserialize(fields)
        return getattr(self.sdk, action)(request)

    def json(self, action: str, fields: dict[str, Any]) -> dict[str, Any]:
        """The members of the answer, as the client's generic call gives them."""
        answer: dict[str, Any] = self.sdk.call_json(action, fields)["Response"]
        return answer

    def refused(self, action: str, **fields: Any) -> str:
        """The code of the refusal."""
        with pytest.raises(TencentCloudSDKException) as problem:
            self.call(action, **fields)
        assert problem.value.requestId, "a refusal without the id of its request"
        return str(problem.value.code)


def reference_key(dsn: str, name: str, scopes=("manage",), domains=("*",)) -> KeyMade:
    """A key, also for the tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        return new_key(dsn, name, scopes, domains)
