"""A person who asks to be forgotten."""
