"""The suppression list, its imports and their reports."""
