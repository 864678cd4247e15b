"""Reading images into canonical orientation, the grid they are measured on, and the volume store."""
