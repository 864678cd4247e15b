"""Brokers and bridges: where a log is, who may do what there, and their certificates."""
