"""How segwatch is run: the local stack, dashboards, rules and images."""
