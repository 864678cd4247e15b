"""Bringing the dashboards of deploy/dashboards into a Grafana, and showing how the ones there differ."""
