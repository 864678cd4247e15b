"""What a run shows: progress while it happens, the table and the picture afterwards."""
