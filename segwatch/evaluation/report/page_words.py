"""What the report's page says in words, and how it looks."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d1d1f; max-width: 78rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid #e3e3e3; text-align: right; vertical-align: top; }
td { white-space: nowrap; }
th:first-child, td:first-child, th.text, td.text { text-align: left; white-space: normal; }
thead th { border-bottom: 2px solid #888; }
small { color: #666; display: block; } .wide { overflow-x: auto; } img { max-width: 100%; }
.note { background: #f6f6f2; padding: .6rem 1rem; border-left: 4px solid #bbb; }
@page { size: A4 landscape; margin: 10mm; }
@media print { body { font-size: 9pt; max-width: none; margin: 0; padding: 0; } .wide { overflow: visible; }
  table { font-size: 7pt; } th, td { padding: .15rem .3rem; } tr, img { break-inside: avoid; } }
"""
WORDS = {
    "failed": "a true Dice below 0.6",
    "verdict": "by the paper's protocol a classifier's likeliest bin, or a regressor's clipped prediction, "
    "below 0.6; a bundle's own calibrated threshold where it is judged as served",
    "sensitivity": "the share of failed studies whose verdict is failed",
    "bin specificity (micro)": "the paper's specificity: one bin against the rest, counts summed over the "
    "five bins. It is 0.75 + accuracy / 4, so no scorer falls below 0.75",
    "binary specificity": "the share of good studies whose verdict is good",
    "PPV": "the share of studies with the verdict failed that are",
    "AUROC": "the chance that a failed study looks worse than a good one",
    "accuracy": "the share of studies whose bin, of five, is the true one",
    "MAE ± std": "mean and standard deviation of |predicted − true Dice|; a classifier's predicted Dice is "
    "the probability-weighted mean of the bins' midpoints",
    "MAE, authors' code": "the same with the Dice of the authors' code: (class − 1) / 4 of a classifier, a "
    "regressor's prediction as it is, not clipped",
    "bias": "mean of predicted − true Dice",
    "AURC": "the mean of 1 − true Dice among the studies of highest predicted Dice, averaged over all shares "
    "of studies; low is good",
    "Pearson, Spearman": "correlation of predicted and true Dice, and of their ranks; a constant has none",
    "mean risk": "the share that failed among the studies trusted most, averaged over all shares trusted",
    "undefined": "a study without one of the features: its verdict is failed, it is in every denominator, "
    "and it has no predicted Dice, so it is not in the MAE",
    "constant mean, all flagged": "scorers that look at nothing: the training set's mean Dice, and 0.1, for "
    "every study",
}
INTERVAL_NOTE = (
    "Nominally 80 % hold the true Dice. Counted are the studies that have a predicted Dice and are not "
    "outside what the model knows; the worst patient is among those with five of them or more. Weighted: the "
    "training rows count as much as the set's measures make them likely there, which needs no truth; 'rows' "
    "is how many they then amount to, and below 20 no interval is made. A given bundle brings no rows to "
    "weight. Weights help where other studies come, not where the same measures mean another Dice."
)
LIMITS = (
    "Where all were found, or none, an interval over patients has no width: see …_exact_ci in report.json.",
    "Retrainings on resampled studies see some twice, so a set that was trained on looks better in them.",
    "Sensitivity and specificity do not carry over to a site that has shifted.",
    "This is a quality monitor of masks. It is no diagnosis and decides on no patient.",
)
