"""Sender domains: their quota, their warm-up plan."""
