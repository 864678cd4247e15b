"""The hospital's own record of every block that left: hash-chained, and verified."""
