"""The reference's own client for Node.js, unchanged: SendEmail and BatchSendEmail, in each of its ways to sign."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.api.reference_client import reference_key
from tests.integration.api.reference_world import SENDER, base64_of, reference_api
from tests.recording_smtp import RecordingServer

SOURCES = Path(__file__).with_name("node_client")


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory) -> Path:
    """The client, installed by npm."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("node") / "client"
    shutil.copytree(SOURCES, folder)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--cache", str(folder / "cache")]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=150)
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not install the client within 150 s")
    if done.returncode:
        pytest.skip(f"npm cannot install the client: {done.stderr[-500:]}")
    return folder


@pytest.fixture(scope="module")
def smtp():
    with RecordingServer() as server:
        yield server


@pytest.fixture(scope="module")
def call(node_folder, smtp, api_dsn, tmp_path_factory):
    made = reference_key(api_dsn, "node")
    with reference_api(api_dsn, tmp_path_factory.mktemp("reference"), AIRFLOW_CONN_SES_SMTP=smtp.uri) as process:

        def run(*calls: tuple[str, dict], sign: str = "TC3-HMAC-SHA256", method: str = "POST", **other) -> list[dict]:
            given = {"endpoint": process.url.removeprefix("http://"), "id": made.key.id, "secret": made.secret}
            given |= {"sign": sign, "method": method, "calls": calls, **other}
            command = ["node", "call.js"]
            done = subprocess.run(
                command,
                cwd=node_folder,
                input=json.dumps(given),
                capture_output=True,
                text=True,
                check=True,
                timeout=120,
            )
            return json.loads(done.stdout)

        yield run


@pytest.mark.parametrize("sign", ["TC3-HMAC-SHA256", "HmacSHA1", "HmacSHA256"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_send_email(call, smtp, sign, method):
    address = f"{sign}-{method}@example.com".lower()
    mail = {"FromEmailAddress": f"示例 <{SENDER}>", "Subject": f"你好 & {sign}", "Destination": [address]}
    (one,) = call(("SendEmail", {**mail, "Simple": {"Text": base64_of("Hello + hi")}}), sign=sign, method=method)
    assert one["answer"]["MessageId"].startswith("qcloudses-"), one
    end = time.monotonic() + 60
    while not smtp.accepted[address] and time.monotonic() < end:
        time.sleep(0.02)
    assert smtp.accepted[address] == 1


def test_batch_send_email_and_its_lists(call):
    template, receiver = call(
        ("CreateEmailTemplate", {"TemplateName": "node", "TemplateContent": {"Text": base64_of("Hi {{name}}")}}),
        ("CreateReceiver", {"ReceiversName": "von Node"}),
    )
    id = receiver["answer"]["ReceiverId"]
    data = [{"Email": f"{number}@example.com", "TemplateData": json.dumps({"name": "N"})} for number in range(3)]
    content = {"TemplateID": template["answer"]["TemplateID"], "TemplateData": "{}"}
    timed = {"TaskType": 2, "TimedParam": {"BeginTime": "2099-01-01 00:00:00"}}
    added, task, tasks = call(
        ("CreateReceiverDetailWithData", {"ReceiverId": id, "Datas": data}),
        (
            "BatchSendEmail",
            {"FromEmailAddress": SENDER, "ReceiverId": id, "Subject": "x", "Template": content, **timed},
        ),
        ("ListSendTasks", {"Offset": 0, "Limit": 10}),
    )
    assert added["answer"]["ValidCount"] == 3
    (line,) = tasks["answer"]["Data"]
    assert (line["TaskId"], line["TimedParam"]["BeginTime"]) == (task["answer"]["TaskId"], "2099-01-01 00:00:00")


def test_a_refusal_has_its_code_and_the_id_of_the_request(call):
    mail = {"FromEmailAddress": SENDER, "Subject": "x", "Destination": ["none"], "Simple": {"Text": "eA=="}}
    (wrong,) = call(("SendEmail", mail))
    assert wrong["code"] == "InvalidParameterValue.ReceiverEmailInvalid"
    assert wrong["requestId"]
    (unsigned,) = call(("SendEmail", mail), secret="x" * 40)
    assert unsigned["code"] == "AuthFailure.SignatureFailure"
