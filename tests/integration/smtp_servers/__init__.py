"""SMTP servers that misbehave on request, for tests of what sends mail."""
