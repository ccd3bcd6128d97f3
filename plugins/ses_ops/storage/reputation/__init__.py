"""The reputation of sender domains."""
