"""The titles by which ingest is called for something else than what comes live; settings may change them."""

BACKFILL_TITLE = "SEGWATCH-BACK"
"""What is sent here was fetched from the archive later: it carries its own date."""
TRIAL_TITLE = "SEGWATCH-TRIAL"
"""So was this, and it is counted in no block."""
