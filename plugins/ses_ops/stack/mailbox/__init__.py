"""The local mailbox: takes every mail that is sent to it on the loopback address, keeps it, shows it."""
