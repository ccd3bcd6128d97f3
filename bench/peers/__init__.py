"""The other senders. Each gets the port of an SMTP server and a number of messages, and returns what it achieved."""
