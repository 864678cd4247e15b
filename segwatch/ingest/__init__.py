"""The inbox that ingest watches, for whoever has to do with it without being ingest."""
