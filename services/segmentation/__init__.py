"""The segmentation service: lesion and lung masks of each CT that came in."""
