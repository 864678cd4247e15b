"""The settings as services read them: from the environment, or from files in systemd's form."""

import os
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from segwatch.errors import BadInput
from segwatch.streaming.settings import PREFIX, ConnectionSettings

Environment = Mapping[str, str]
"""Settings by name, without the prefix and in capitals; those that are empty are left out."""
COMMON = "common"
"""The file whose settings hold for every service beside it."""
CENTRE = "CENTRE_"
"""How the settings of the way to the centre begin."""


class _Given(ConnectionSettings):
    """A connection as it is given, whatever this process's environment says."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def environments(files: Sequence[Path]) -> dict[str, Environment]:
    """The environment of each service, by name.

    Args:
        files: one a service, called `NAME.env`, or folders of such; a `common.env` holds for all others.
            None: the environment of this process.

    Raises:
        BadInput: a file cannot be read, or there is none.
    """
    if not files:
        return {"environment": bare(os.environ)}
    listed = [each for file in files for each in (sorted(file.glob("*.env")) if file.is_dir() else [file])]
    if not listed:
        raise BadInput(f"{', '.join(map(str, files))} holds no settings file (NAME.env)")
    read = {each.stem: bare(lines_of(each)) for each in listed}
    common = read.pop(COMMON, {})
    return {name: {**common, **own} for name, own in read.items()} or {COMMON: common}


def bare(values: Mapping[str, str | None]) -> Environment:
    """The settings among environment variables."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in values.items()
        if name.startswith(PREFIX) and value
    }


def connection_of(settings: Environment, prefix: str = "") -> ConnectionSettings | str:
    """The log that settings name, or what is wrong with them.

    Args:
        settings: of one service.
        prefix: `CENTRE_` for the way to the centre, which is by TLS.
    """
    names = ConnectionSettings.model_fields
    given = {
        name: settings[f"{prefix}{name.upper()}"] for name in names if f"{prefix}{name.upper()}" in settings
    }
    if prefix:
        given = {"kafka_security": "SSL", "site": settings.get("SITE", "")} | given
    try:
        return _Given.model_validate(given)
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False)
        return "; ".join(f"{each['msg'].removeprefix('Value error, ')}" for each in said)


def lines_of(file: Path) -> dict[str, str]:
    """Every line of a settings file, in systemd's form, by its name.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the settings file {file} cannot be read: {type(error).__name__}") from None
    return {
        name: value or "" for name, value in dotenv_values(stream=StringIO(text), interpolate=False).items()
    }
