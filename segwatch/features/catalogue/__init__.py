"""The features, one module each: its card, and the function that measures it."""
