"""What could not be processed: how it is written, read, shown, and tried again."""
