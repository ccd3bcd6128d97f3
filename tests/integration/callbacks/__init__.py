"""Callbacks: real posts to real servers."""
