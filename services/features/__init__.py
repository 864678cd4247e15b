"""The features service: measures each mask that segmentation stored."""
