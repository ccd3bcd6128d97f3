"""The proxy of the benchmark: bytes arrive in order, after the delay; round trips are counted as a sender waits."""

from __future__ import annotations

import smtplib
import socket
import threading
import time

import pytest

from bench.delay_proxy import DelayProxy, Dialogue
from tests.recording_smtp import RecordingServer

DELAY = 0.02


@pytest.fixture
def echo():
    """The port of a server that sends back whatever it gets, until the client has no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def test_every_byte_comes_back_in_order(echo):
    sent = b"".join(f"{number:07d}".encode() for number in range(100_000))
    with DelayProxy(echo, DELAY) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 60) as client:
        threading.Thread(target=lambda: (client.sendall(sent), client.shutdown(socket.SHUT_WR)), daemon=True).start()
        received = bytearray()
        while data := client.recv(65536):
            received += data
    assert bytes(received) == sent


def test_a_round_trip_takes_the_delay_twice_and_is_not_shortened_by_the_one_before(echo):
    with DelayProxy(echo, DELAY) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 60) as client:
        for _ in range(5):
            began = time.monotonic()
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            assert time.monotonic() - began >= 2 * DELAY


def test_what_is_written_together_is_delayed_together_not_one_after_the_other(echo):
    with DelayProxy(echo, 0.25) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 60) as client:
        began = time.monotonic()
        for _ in range(100):
            client.sendall(b"x" * 100)
            time.sleep(0.005)
        received = 0
        while received < 10_000:
            received += len(client.recv(65536))
        # A hundred delays in a row would be 25 s at least.
        assert 0.5 <= time.monotonic() - began < 15


def test_a_sender_that_waits_for_each_reply_is_counted_four_waits_a_message():
    with RecordingServer() as server, DelayProxy(server.port, 0.001) as proxy:
        with smtplib.SMTP("127.0.0.1", proxy.port) as client:
            client.ehlo()
            for number in range(3):
                client.sendmail("a@mail.example", [f"to-{number}@shoppers.example"], "Subject: hello\r\n\r\nhello\r\n")
        assert server.total == 3
        assert proxy.dialogue.turns == 4 * 3
        assert proxy.dialogue.seconds >= 4 * 3 * 0.002


def test_a_sender_that_puts_the_next_message_behind_the_last_is_counted_one_wait_a_message():
    seen = Dialogue()
    seen.client_sent(b"EHLO me\r\n", 0.0)
    seen.client_received(1.0)
    seen.client_sent(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", 2.0)
    for moment in (3.0, 4.0, 5.0):
        seen.client_received(moment)
        seen.client_sent(b"Subject: x\r\n\r\nx\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", moment)
    seen.client_received(6.0)
    seen.client_sent(b"QUIT\r\n", 6.0)
    seen.client_received(7.0)
    assert seen.turns == 4
    assert seen.seconds == 4.0


def test_a_proxy_that_saw_no_message_has_no_time_to_tell():
    with pytest.raises(RuntimeError, match="no message"):
        _ = Dialogue().seconds
