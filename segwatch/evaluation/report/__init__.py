"""What `segwatch evaluate` writes: the page, its pictures, predictions, worst misses."""
