"""The messages that services exchange, and the names they are exchanged under.

`schemas/` holds the JSON Schema of each; `make schemas` writes them from the types here, and a test
fails when the two differ or when a change would break a reader that is already deployed.
"""
