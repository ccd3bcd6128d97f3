"""The local stack: everything that `make run` starts, watches and stops."""
