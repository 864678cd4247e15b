"""What writes docs/evidence.md and trains the shipped scorers: `python -m research`. Not in the wheel."""
