"""The command line `ses`, one module a noun; imports are lazy."""
