"""Evaluation: trains scorers and says how good they are, on tables of measures with true Dice.

`cohort.py` reads a table; `models.py` holds the paper's five; `train.py` fits one and calibrates it out of
fold (`folds.py`, `calibration.py`); `metrics.py` computes, `intervals.py` resamples patients, `table2.py`
sets what comes out side by side. `demo_cohort.py` makes a cohort from phantoms.

`segwatch evaluate`: `open_cohort.py` reads a table or measures a folder (`layouts.py`, `arrange.py`);
`plan.py` is who is predicted by a fit on whom, `protocol.py` what a fit makes of studies. `evaluate.py` puts
the report together from `sets.py` (figures; `batch.py` for many resamples), `bootstrap.py` (`replicates.py`,
`batched_lr.py`, in `processes.py`), `binomial.py`, `ablation.py`, `curves.py`; `page.py`, `pictures.py` and
`misses.py` show it.
"""
