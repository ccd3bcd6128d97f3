"""Statistics: sums over all mail, and of one task."""
