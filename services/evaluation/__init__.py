"""Evaluation: trains scorers and says how good they are, on tables of measures with true Dice.

`cohort.py` reads a table; `models.py` holds the paper's five; `train.py` fits one and calibrates it out of
fold (`folds.py`, `calibration.py`); `metrics.py` computes, `intervals.py` resamples patients, `table2.py`
sets what comes out side by side. `demo_cohort.py` makes a cohort from phantoms.
"""
