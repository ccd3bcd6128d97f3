"""Erasure of a person who asks to be forgotten."""
