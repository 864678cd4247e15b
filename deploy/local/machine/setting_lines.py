"""Settings as files have them: Java's properties and systemd's environment files alike."""

from collections.abc import Mapping


def setting_lines(settings: Mapping[str, str]) -> str:
    """`NAME=VALUE`, one a line.

    Examples:
        >>> setting_lines({"node.id": "0", "log.dirs": "/var/lib/kafka"})
        'node.id=0\\nlog.dirs=/var/lib/kafka\\n'
    """
    return "".join(f"{name}={value}\n" for name, value in settings.items())
