"""The site's ledger: its records, which of them count, and what follows for releases."""
