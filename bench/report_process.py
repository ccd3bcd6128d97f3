"""A process that reads mails that came back, one after another: `python -m bench.report_process COUNT`."""

from __future__ import annotations

import json
import sys
import time

import psutil

from ses_ops.events.report_mail import read_report
from ses_ops.events.report_verdict import ReportKind

_TOKEN = "0a1b2c3d" * 7
_RETURNED = (
    "Return-Path: <b-{token}@bounces.shop.example>\r\nFrom: Shop <news@shop.example>\r\nTo: {address}\r\n"
    "List-Unsubscribe: <https://mail.shop.example/u/{token}>\r\nMessage-ID: <{number}@shop.example>\r\n"
    "Subject: Offers\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + "Offers for you. " * 60
)
_HEAD = (
    "Return-Path: <>\r\nReceived: by mx.sender.example (Postfix) id {number}\r\n"
    "Date: Sat, 28 Nov 2026 10:11:12 +0000\r\n"
    "From: MAILER-DAEMON@mx.sender.example (Mail Delivery System)\r\nTo: b-{token}@bounces.shop.example\r\n"
    "Message-ID: <{number}@mx.sender.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
)
_STANDARD = (
    _HEAD + "Subject: Undelivered Mail Returned to Sender\r\n"
    'Content-Type: multipart/report; report-type={type}; boundary="B"'
    "\r\n\r\nThis is a MIME-encapsulated message.\r\n\r\n--B\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
    "This is the mail system at host mx.sender.example.\r\n\r\n"
    "I'm sorry to have to inform you that your message could not\r\n"
    "be delivered to one or more recipients. It's attached below.\r\n\r\n<{address}>: {words}\r\n\r\n--B\r\n"
    "Content-Type: message/{type}\r\n\r\n{fields}\r\n\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n"
    + _RETURNED
    + "\r\n--B--\r\n"
)
_EXIM = (
    _HEAD + "Subject: Mail delivery failed: returning message to sender\r\n\r\n"
    "This message was created automatically by mail delivery software.\r\n\r\nA message that you sent could not be\r\n"
    "delivered to one or more of its recipients. This is a permanent error. The following address(es) failed:\r\n\r\n"
    "  {address}\r\n    SMTP error from remote mail server after RCPT TO:<{address}>:\r\n"
    "    host mx.example.org: {words}\r\n"
    "\r\n------ This is a copy of the message, including all the headers. ------\r\n\r\n" + _RETURNED
)
_QMAIL = (
    _HEAD + "Subject: failure notice\r\n\r\nHi. This is the qmail-send program at mx.sender.example.\r\n"
    "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n<{address}>:\r\n"
    "192.0.2.7 does not like recipient.\r\nRemote host said: {words}\r\nGiving up on 192.0.2.7.\r\n\r\n"
    "--- Below this line is a copy of the message.\r\n\r\n" + _RETURNED
)
_PERSON = _HEAD.replace("MAILER-DAEMON@mx.sender.example (Mail Delivery System)", "{address}") + (
    "Subject: Re: Offers\r\n\r\nDo you have the red one, number {number}?\r\n"
)
_WORDS = (
    "550 5.1.1 <{address}>: Recipient address rejected: User unknown, id {number}",
    "552 5.2.2 mailbox of {address} is full, id {number}",
    "550-5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail. id {number}",
    "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example, id {number}",
    "450 4.2.1 The user you are trying to contact is receiving mail too quickly, id {number}",
)
_REPORT = (
    "Reporting-MTA: dns; mx.sender.example\r\n\r\nFinal-Recipient: rfc822; {address}\r\nAction: failed\r\n"
    "Status: {status}\r\nDiagnostic-Code: smtp; {words}"
)
_COMPLAINT = "Feedback-Type: abuse\r\nVersion: 1\r\nUser-Agent: fbl/1\r\nOriginal-Rcpt-To: {address}"


def mail(number: int) -> bytes:
    """A mail, of a shape by its number; no two have the same words."""
    given = {
        "number": number,
        "token": f"{number:08x}{_TOKEN[8:]}",
        "address": f"reader{number}@example{number % 50}.org",
    }
    words = _WORDS[number % len(_WORDS)].format(**given)
    status = words[4:9].replace("-", "") if words[3] == " " else "5.7.1"
    shape = number % 8
    if shape < 4:
        fields = _REPORT.format(words=words, status=status, **given)
        text = _STANDARD.format(type="delivery-status", words=words, fields=fields, **given)
    elif shape == 4:
        text = _EXIM.format(words=words, **given)
    elif shape == 5:
        text = _QMAIL.format(words=words, **given)
    elif shape == 6:
        fields = _COMPLAINT.format(**given)
        text = _STANDARD.format(type="feedback-report", words="complaint", fields=fields, **given)
    else:
        text = _PERSON.format(**given)
    return text.encode()


def main(count: int) -> None:
    """Read the mails; print what that took as JSON."""
    process = psutil.Process()
    read_report(mail(0))
    octets = bounces = early = 0
    cpu = 0.0
    for number in range(count):
        raw = mail(number)
        octets += len(raw)
        began = time.process_time()
        verdict = read_report(raw)
        cpu += time.process_time() - began
        bounces += verdict.kind is ReportKind.BOUNCE
        if number == count // 10:
            early = process.memory_info().rss
    memory = process.memory_info().rss
    print(
        json.dumps(
            {
                "mails": count,
                "cpu": cpu,
                "octets": octets // count,
                "bounces": bounces,
                "grown": max(0, memory - early) / 1e6,
                "memory": memory / 1e6,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
