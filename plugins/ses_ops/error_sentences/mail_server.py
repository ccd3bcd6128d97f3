"""Errors of a mail server."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "ca_file_not_usable": "ca_file {file!r} holds no certificates: {cause}",
    "cannot_connect": "cannot connect ({why}); check host and port",
    "certificate_not_trusted": (
        "the server's certificate is not trusted: {cause}; name its authority in ca_file, or the right host, or "
        "set verify to false"
    ),
    "connection_broken": "the connection broke: {cause}",
    "connection_closed": "the connection is closed",
    "connection_closed_by_server": "the server closes the connection: 421 {reply}",
    "connection_lost": "{why}",
    "connection_takes_no_more": "the server takes no more over this connection: {code} {text}",
    "content_asked_for_after_refusal": (
        "354 for a message whose MAIL was refused: ended here, it would be delivered empty"
    ),
    "far_too_many_replies": "far more replies than it was asked for",
    "first_messages_deferred": (
        "put off the first {count} messages: {code} {text}; all that is left waits and is tried again by itself"
    ),
    "first_messages_refused": (
        "refused the first {count} messages: {code} {text}; check login, sender and what this server may relay; "
        "all messages wait, and are tried again later"
    ),
    "first_messages_refused_for_content": (
        "refused the first {count} messages: {code} {text}; check the template; those have failed, all others wait"
    ),
    "first_messages_too_big": (
        "refused the first {count} messages: {code} {text}; make the messages smaller; those have failed, all "
        "others wait"
    ),
    "greeting_refused": "the server does not want to talk: {code} {text}",
    "last_messages_deferred": (
        "put off the last {count} messages: {code} {text}; all that is left waits and is tried again by itself"
    ),
    "last_messages_refused": (
        "refused the last {count} messages: {code} {text}; check login, sender and what this server may relay; "
        "all messages wait, and are tried again later"
    ),
    "last_messages_refused_for_content": (
        "refused the last {count} messages: {code} {text}; check the template; those have failed, all others wait"
    ),
    "last_messages_too_big": (
        "refused the last {count} messages: {code} {text}; make the messages smaller; those have failed, all "
        "others wait"
    ),
    "line_not_smtp": "a line that is no SMTP reply: {line!r}",
    "login_deferred": "the login {login!r} was put off: {reply}",
    "login_not_offered": "offers no login at all; with these settings this program can do {can}; check port and tls",
    "login_or_tls_needed": "refuses mail without login or TLS: {code} {text}; check login, tls",
    "login_refused": "the login {login!r} was refused: {reply}; check login and password",
    "login_unencrypted": "the login would go over the network unencrypted; set tls, or allow_plaintext_auth",
    "login_with_token_refused": (
        "the login {login!r} was refused: {reply}; check login, auth_type and where the token is from"
    ),
    "no_connection": "no connection within {time}; check host, port and firewall",
    "no_greeting": (
        "no greeting within {seconds:g} s; check host and port, set tls to tls if this port speaks TLS from the "
        "first byte, or set a longer greeting_timeout"
    ),
    "no_mechanism_shared": "offers {offered}; with these settings this program can do {can}; check port and tls",
    "no_message_got_through": "no message got through for {seconds:.0f} s: {problem}",
    "no_reply": "no reply within {seconds:g} s",
    "no_reply_to": "no reply to {step} within {seconds:g} s",
    "no_such_host": "no such host ({cause}); check the host",
    "no_tls_session": "no TLS session within {time}; check host, port, tls and firewall",
    "not_a_host_name": "is not a host name; check the host",
    "not_smtp_spoken": "the server sent {why}",
    "our_greeting_refused": (
        "the server refused our greeting as {name}: {code} {text}; if that is about the name, set local_hostname "
        "to this machine's full host name"
    ),
    "our_name_not_liked": (
        "{problem}; it may not like our name {name}: set local_hostname to this machine's full host name"
    ),
    "pipelining_not_borne": "the server does not bear pipelining: {code} {text}",
    "reply_line_too_long": "a reply line of more than {most} bytes",
    "reply_not_asked_for": "a reply that nobody asked for: {code} {text}",
    "reply_of_two_codes": "a reply that begins with {first} and goes on with {second}",
    "reply_too_long": "a reply of more than {most} lines",
    "run_ended": "the run was ended",
    "server_closed_connection": "the server closed the connection",
    "server_reads_no_more": "the server reads no more: nothing moved within {seconds:g} s",
    "server_reads_too_slowly": "the server reads too slowly: {moved} bytes within {seconds:g} s",
    "server_said_goodbye": "said goodbye",
    "server_takes_no_mail": "the server takes no mail: {code} {text}",
    "something_else": "something that is no SMTP reply",
    "starttls_injection": "something stood between STARTTLS and the TLS handshake; not going on",
    "starttls_not_offered": "does not offer STARTTLS, which the settings ask for; check port and tls",
    "starttls_refused": "the server offers STARTTLS but refuses it: {code} {text}",
    "tls_expected_by_server": "the server waits for TLS from the first byte: set tls to tls",
    "tls_handshake_broken": "the connection broke in the TLS handshake",
    "tls_handshake_failed": "the TLS handshake failed: {cause}",
    "tls_not_spoken": "does not speak TLS from the first byte; set tls to starttls",
    "token_deferred": "gives none for now: {reply}",
    "token_not_reached": "cannot be asked: {cause}",
    "token_refused": "gives none: {reply}; check client_id, client_secret, tenant_id, scope and token_url",
    "token_server_not_trusted": "its certificate is not trusted: {cause}",
    "token_timeout": "no answer within {seconds:g} s",
    "too_many_replies": "the server sent more replies than it was asked for",
    "unexpected_reply": "unexpected reply {code} {text}",
    "unexpected_reply_to_content": "unexpected reply {code} {text} to the final dot",
}
