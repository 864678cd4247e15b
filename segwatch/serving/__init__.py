"""Which scorer counts: one beside it as a shadow, what would change with that, and who decided it."""
