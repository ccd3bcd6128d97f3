"""The local mailbox: an SMTP server on the loopback address with a web page."""
