"""`segwatch install`: hands a bundle that came whole to its own installer."""
