"""Pages of the sender domains."""
