"""`ses domain`: list, show, set."""

from __future__ import annotations

import pytest

from tests.integration.sending_world import DOMAIN

BOUNCES = f"bounces.{DOMAIN}"


def test_a_bounce_domain_is_set_shown_and_taken_away(ses):
    untracked = {"opens": False, "clicks": False}
    untouched = {"domain": DOMAIN, "bounce_domain": None, "dns": [], "track": untracked}
    assert ses("domain", "list", "--json").json == [untouched]
    assert "none: bounces go to the sender's address" in ses("domain", "show", DOMAIN).out
    done = ses("domain", "set", DOMAIN, "--bounce-domain", BOUNCES)
    assert (done.code, done.err) == (0, "")
    assert f"{DOMAIN}: bounces go to {BOUNCES}" in done.out
    shown = ses("domain", "show", f"{DOMAIN.upper()}.")
    assert f"{BOUNCES}. IN MX 10 HOST." in shown.out
    assert "ses listen bounces" in shown.err
    assert BOUNCES in ses("domain", "list").out
    moved = ses("domain", "set", DOMAIN, "--bounce-domain", "returns.example.com", "--json")
    assert moved.json["bounce_domain"] == "returns.example.com"
    assert f"still returned to {BOUNCES}" in moved.err
    cleared = ses("domain", "set", DOMAIN, "--no-bounce-domain")
    assert f"{DOMAIN}: bounces go to the sender's address" in cleared.out
    shown = ses("domain", "show", DOMAIN, "--json").json
    assert shown.pop("reputation")["plan"] == "calendar"
    assert shown == untouched


def test_what_is_tracked_is_set_part_by_part(ses, airflow, monkeypatch):
    monkeypatch.setenv("SES_PUBLIC_URL", "https://mail.example.com")
    done = ses("domain", "set", DOMAIN, "--track-opens")
    assert (done.code, done.err) == (0, "")
    assert f"{DOMAIN}: opens are tracked, where a task says nothing else" in done.out
    assert ses("domain", "set", DOMAIN, "--track-clicks", "--json").json["track"] == {"opens": True, "clicks": True}
    assert "opens and clicks are tracked" in ses("domain", "show", DOMAIN).out
    ses("domain", "set", DOMAIN, "--no-track-opens", "--no-track-clicks")
    assert "neither opens nor clicks are tracked" in ses("domain", "show", DOMAIN).out
    assert [action for _, action, _ in airflow.audited] == ["change_tracking"] * 3
    assert airflow.audited[1][2] == {
        "domain": DOMAIN,
        "opens": None,
        "clicks": True,
        "before": {"opens": True, "clicks": False},
    }


def test_tracking_without_a_public_address_is_refused_with_what_to_set(ses, monkeypatch):
    monkeypatch.delenv("SES_PUBLIC_URL", raising=False)
    done = ses("domain", "set", DOMAIN, "--track-opens")
    assert (done.code, done.out) == (1, "")
    assert "set SES_PUBLIC_URL" in done.err
    assert ses("domain", "set", DOMAIN, "--no-track-opens").code == 0


def test_the_change_is_in_the_audit_log(ses, airflow):
    ses("domain", "set", DOMAIN, "--bounce-domain", BOUNCES)
    ses("domain", "set", DOMAIN, "--bounce-domain", "no domain")
    ((_, action, facts),) = airflow.audited
    assert action == "change_bounce_domain"
    assert facts == {"domain": DOMAIN, "bounce_domain": BOUNCES, "before": None}


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        ((), 2, "give --bounce-domain or --no-bounce-domain"),
        (("--bounce-domain", BOUNCES, "--no-bounce-domain"), 2, "give --bounce-domain or --no-bounce-domain"),
        (("--no-bounce-domain", "--track-opens"), 2, "or what is tracked"),
        (("--bounce-domain", ""), 1, "the domain is empty"),
        (("--bounce-domain", "localhost"), 1, "it has no dot in it"),
        (("--bounce-domain", DOMAIN), 1, "--even-sender-domain"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(ses, options, code, why):
    done = ses("domain", "set", DOMAIN, *options)
    assert (done.code, done.out) == (code, "")
    assert why in done.err
    assert ses("domain", "show", DOMAIN, "--json").json["bounce_domain"] is None


def test_a_sender_domain_is_taken_when_that_is_said(ses):
    assert ses("domain", "set", DOMAIN, "--bounce-domain", DOMAIN, "--even-sender-domain").code == 0


def test_an_unknown_domain_is_no_slip_of_the_pen_that_stays(ses):
    done = ses("domain", "set", "mial.example.com", "--bounce-domain", BOUNCES)
    assert done.code == 1
    assert f"known are {DOMAIN}" in done.err
    assert len(ses("domain", "list", "--json").json) == 1
