"""The features by theme, each one a card and the function that measures it."""
