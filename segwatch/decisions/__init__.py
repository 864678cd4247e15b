"""`segwatch site`: how sites stand by the detector, and what people decide about their alarms."""
