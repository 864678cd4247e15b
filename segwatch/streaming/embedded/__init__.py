"""The log in a SQLite file: for one machine, and for tests that need no broker."""
