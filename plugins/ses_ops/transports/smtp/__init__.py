"""The SMTP engine (RFC 5321)."""
