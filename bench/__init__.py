"""Measures the sending engine beside other senders, in one run on one machine."""
