"""Training scorers: the paper's five models and three that do better, calibrated out of fold."""
