"""Masks of lesion and lung: nnU-Net bundles, lungmask, a threshold without weights, and the demo model."""
