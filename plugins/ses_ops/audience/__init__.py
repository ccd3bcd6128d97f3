"""Readers of recipients: bytes in, checked recipients and rejected rows out; no database."""
