"""The other senders: each sends a number of messages to a port, and returns its result."""
