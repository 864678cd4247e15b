"""The story that `make run` tells, and who drops its cases."""
