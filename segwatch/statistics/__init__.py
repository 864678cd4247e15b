"""Figures of verdicts and how sure they are: metrics, curves, intervals, conformal bands."""
