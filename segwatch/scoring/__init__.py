"""Scoring: predicts a mask's Dice, and the probability that it failed, from its measures.

`score.py` decides; `predict.py`, `outside.py` and `explain.py` compute; `bundle.py` and `manifest.py` are the
form in which a scorer is kept: data, never code.
"""
