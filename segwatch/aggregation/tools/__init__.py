"""`segwatch privacy …`: what a policy lets out, what has left, and what that has cost."""
