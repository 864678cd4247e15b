"""What every service stands on: the log, the stage loop, dead letters, telemetry and settings."""
