"""Which log a service stands on: the port (`log`) does not know its adapters."""

from segwatch.streaming.log import Log
from segwatch.streaming.settings import ConnectionSettings


def open_log(settings: ConnectionSettings) -> Log:
    """Connect to the log that the settings name.

    Raises:
        LogUnavailable: it cannot be reached; the message names the likely causes.
        BadSettings: a file that the settings name is wrong.
    """
    if settings.log == "embedded":
        from segwatch.streaming.embedded.log import EmbeddedLog

        assert settings.log_file is not None
        return EmbeddedLog(settings.log_file)
    from segwatch.streaming.kafka.log import KafkaLog  # not needed with the embedded log

    return KafkaLog(settings)
