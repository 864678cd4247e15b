"""A second opinion for chest CT: `python -m research opinion`.

`views.py` makes what the network reads of each scan, plain and changed, and of phantoms in HU; `examples.py`
draws crops and augments them; `train.py` trains; `folds.py` trains without some patients and some kinds of
change and says what each network is worth on them; `command.py` writes the bundle; `curve.py` shows what an
opinion of which Dice is worth to a scorer.
"""
