#!/usr/bin/python3
"""A mailbox that shows what it got: SMTP on 1025; Mailpit's `/api/v1/messages` and `/readyz` on 8025."""

import http.server
import json
import os
import sqlite3
import sys
import threading
import urllib.parse
import urllib.request

DATABASE = os.environ.get("MP_DATABASE", "/tmp/mailpit.db")
_lock = threading.Lock()


class Taken:
    """aiosmtpd's handler: one row a recipient, on disk before the 250."""

    def __init__(self, database):
        self.database = database

    async def handle_DATA(self, server, session, envelope):
        with _lock:
            self.database.executemany(
                "INSERT INTO mail (recipient, raw) VALUES (?, ?)",
                [(one, envelope.content) for one in envelope.rcpt_tos],
            )
            self.database.commit()
        return "250 2.0.0 Ok: queued"


class Pages(http.server.BaseHTTPRequestHandler):
    """`/readyz`, and `/api/v1/messages?start=&limit=`: `total`, and the messages' recipients."""

    database = None

    def do_GET(self):
        asked = urllib.parse.urlsplit(self.path)
        if asked.path == "/readyz":
            answer = {"ok": True}
        elif asked.path == "/api/v1/messages":
            given = dict(urllib.parse.parse_qsl(asked.query))
            with _lock:
                total = self.database.execute("SELECT count(*) FROM mail").fetchone()[0]
                rows = self.database.execute(
                    "SELECT id, recipient FROM mail ORDER BY id DESC LIMIT ? OFFSET ?",
                    (int(given.get("limit", 50)), int(given.get("start", 0))),
                ).fetchall()
            messages = [{"ID": str(row), "To": [{"Address": address}]} for row, address in rows]
            answer = {"total": total, "messages": messages}
        else:
            self.send_error(404)
            return
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silent."""


def main():
    """`readyz`: exit status 0 if the other process answers; nothing: serve."""
    if sys.argv[1:] == ["readyz"]:
        urllib.request.urlopen("http://localhost:8025/readyz", timeout=5)
        return
    from aiosmtpd.controller import Controller

    database = sqlite3.connect(DATABASE, check_same_thread=False)
    database.execute("CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY, recipient TEXT, raw BLOB)")
    Pages.database = database
    Controller(Taken(database), hostname="0.0.0.0", port=1025, data_size_limit=64 << 20).start()
    http.server.ThreadingHTTPServer(("0.0.0.0", 8025), Pages).serve_forever()


if __name__ == "__main__":
    main()
