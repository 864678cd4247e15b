"""The file of contacts: whom a page and a ticket reach, through what, and when nobody is to be woken.

One file at the centre, one in each hospital. It holds no password: a password lies in a file of its own.
"""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from segwatch.contracts.envelope import describe
from segwatch.contracts.yaml_fields import fields_of
from segwatch.errors import BadInput

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+\S*$")]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,]+@[^@\s,]+$")]
ClockTime = Annotated[str, StringConstraints(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Site = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class _Stated(BaseModel):
    """What is not known is refused: a misspelt contact is nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Contact(_Stated):
    """One or more ways to somebody: addresses that are posted to (Alertmanager's webhook), and mail."""

    webhooks: list[Url] = []
    mail: list[Address] = []

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.webhooks and not self.mail:
            raise ValueError("names neither a webhook nor a mail address, so nobody would be told")
        return self


class MailServer(_Stated):
    """The hospital's mail relay.

    Attributes:
        smarthost: `host:port`.
        sender: the From address.
        username: None where the relay asks for none.
        password_file: a file that holds the password, as Alertmanager sees it.
        starttls: whether mail goes only over TLS (RFC 3207).
        authority_file: the authority that the relay's certificate must be of; None is the system's.
    """

    smarthost: Annotated[str, StringConstraints(pattern=r"^[^\s:]+:\d{1,5}$")]
    sender: Address
    username: str | None = None
    password_file: PurePosixPath | None = None
    starttls: bool = True
    authority_file: PurePosixPath | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file belong together")
        return self


class Links(_Stated):
    """What a page's links begin with.

    Attributes:
        runbooks: the folder `deploy/runbooks`, as it is published.
        grafana: Grafana's address.
    """

    runbooks: Url
    grafana: Url


class SiteContact(_Stated):
    """Who is told of one site, instead of the general contact."""

    page: Contact | None = None
    ticket: Contact | None = None


class Mute(_Stated):
    """When nobody is told. What happened meanwhile, and still stands, is told at the end.

    Attributes:
        days: no day named means each.
        begin: local time of `location`, and
        end: later on the same day; a night is two of these.
        pages: whether pages are muted too, and not tickets alone.
        sites: only of these; no site named means all.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    days: list[Weekday] = []
    begin: ClockTime = "00:00"
    end: ClockTime = "24:00"
    location: str = "UTC"
    pages: bool = False
    sites: list[Site] = []

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(f"{self.name}: begins at {self.begin}, which is not before its end, {self.end}")
        return self


class Contacts(_Stated):
    """The whole file.

    Attributes:
        page: whom a page wakes.
        ticket: whom a ticket waits for; None is the same.
        watchdog: what must hear from Alertmanager every few minutes, and calls somebody when it does not.
        links: None leaves links as paths in the repository.
    """

    page: Contact
    ticket: Contact | None = None
    watchdog: Url | None = None
    sites: dict[Site, SiteContact] = {}
    mail_server: MailServer | None = None
    mutes: Annotated[list[Mute], Field(max_length=100)] = []
    links: Links | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        every = [self.page, self.ticket]
        every += [contact for site in self.sites.values() for contact in (site.page, site.ticket)]
        if self.mail_server is None and any(contact is not None and contact.mail for contact in every):
            raise ValueError("mail addresses need mail_server, which says through what mail goes")
        names = [mute.name for mute in self.mutes]
        if len(names) != len(set(names)):
            raise ValueError("two mutes have one name")
        return self


def read_contacts(path: Path) -> Contacts:
    """Read a file of contacts.

    Raises:
        BadInput: it cannot be read, or is none; names the file and what is wrong in it.
    """
    try:
        return Contacts.model_validate(fields_of(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        raise BadInput(f"{path}: {describe(error)}") from error
