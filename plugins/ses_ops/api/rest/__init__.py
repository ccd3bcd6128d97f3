"""Our own API, version 1: a resource a file."""
