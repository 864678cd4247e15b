"""The scoring service: predicts each measured mask's Dice."""
