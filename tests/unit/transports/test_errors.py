"""Errors of a transport are also those of the standard library, and stay themselves in another process."""

from __future__ import annotations

import pickle

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.stream import NoReply


def test_a_lost_connection_is_a_connection_error_and_a_missing_reply_a_timeout() -> None:
    failed = ConnectionFailed("no_such_host", server="mail.example.com:25", cause="not known")
    silent = NoReply("no_reply", server="mail.example.com:25", during="EHLO", seconds=30)
    assert isinstance(failed, ConnectionError)
    assert not isinstance(failed, TimeoutError)
    assert isinstance(silent, TimeoutError)
    assert isinstance(silent, ConnectionError)
    assert not isinstance(SetupRefused("login_unencrypted", server="x"), OSError)
    assert str(failed) == "mail.example.com:25: no such host (not known); check the host"
    assert str(silent) == "mail.example.com:25: EHLO: no reply within 30 s"
    again = pickle.loads(pickle.dumps(silent))
    assert (type(again), str(again), again.code, again.facts) == (NoReply, str(silent), silent.code, silent.facts)
