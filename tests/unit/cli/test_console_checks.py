"""What `ses doctor` says of the address of Airflow's pages, by what the api-server takes for its own address."""

from __future__ import annotations

import pytest

from ses_ops.cli.console_checks import ConsoleAnswer, judged

URL = "https://intern.example:8443/mail"


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (ConsoleAnswer(307, f"{URL}/ses/tasks"), "ok", "know that address"),
        (ConsoleAnswer(307, "http://intern.example:8443/mail/ses/tasks"), "warn", "FORWARDED_ALLOW_IPS"),
        (ConsoleAnswer(307, "https://intern.example/mail/ses/tasks"), "warn", "proxy_set_header Host $http_host"),
        (ConsoleAnswer(307, "http://ses_console/mail/ses/tasks"), "warn", "takes ses_console for its host"),
        (ConsoleAnswer(307, "https://intern.example:8443/ses/tasks"), "FAIL", "takes / for the path of its pages"),
        (
            ConsoleAnswer(307, "https://intern.example:8443/old/ses/tasks"),
            "FAIL",
            "takes /old for the path of its pages",
        ),
        # Airflow's own page, for every path that it does not know.
        (ConsoleAnswer(200, ""), "FAIL", "must pass the path /mail on"),
        (ConsoleAnswer(404, ""), "FAIL", "must pass the path /mail on"),
        (ConsoleAnswer(301, "https://intern.example/login"), "FAIL", "but not as the console does"),
        (ConsoleAnswer(302, f"{URL}/ses/tasks"), "FAIL", "but not as the console does"),
        (ConsoleAnswer(401, ""), "warn", "wants a login before Airflow's"),
        (ConsoleAnswer(502, ""), "FAIL", "does the api-server run"),
    ],
)
def test_one_line_says_what_is_wrong(answer, state, words):
    ((found, text),) = judged(URL, answer)
    assert found == state
    assert words in text
