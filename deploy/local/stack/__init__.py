"""The stack's parts, each one thing to start and stop: hospitals, centre, Prometheus, pager."""
