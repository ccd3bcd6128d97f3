"""`make test-servers`: real mail servers, one after another, against the ledger (docs/mail-servers.md).

A program and no tests of pytest's: it downloads servers, takes minutes and prints a table. `make test` never runs it,
since no file here is called test_*.py.
"""
