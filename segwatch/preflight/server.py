"""What is looked at on a server, or in a pod: all that its services' settings name."""

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segwatch.archive.peer import read_peer
from segwatch.contracts.topics import CENTRE_TOPICS, HOSPITAL_TOPICS, at_the_centre, listed_sites
from segwatch.errors import BadInput
from segwatch.preflight.broker import broker
from segwatch.preflight.certificates import certificates, door
from segwatch.preflight.clock import clock
from segwatch.preflight.disks import disks
from segwatch.preflight.findings import Check, Finding, fault, ok, unknown, unused
from segwatch.preflight.models import models
from segwatch.preflight.monitoring import alertmanager, not_asked, prometheus
from segwatch.preflight.network import reach
from segwatch.preflight.pacs import echo
from segwatch.preflight.policies import needs_policy, no_policy, policy, site
from segwatch.preflight.settings_files import CENTRE, Environment, connection_of
from segwatch.preflight.topics import UNSEEN
from segwatch.streaming.access import HOSPITAL, PLATFORM, Access, centre
from segwatch.streaming.certificate_files import common_names
from segwatch.streaming.settings import ConnectionSettings

NONE = "none"
"""What says on the command line that there is no such thing here, on purpose."""
STUDIES_A_DAY = 40.0
SECRETS = {"PSEUDONYM_SECRET_FILE": 16, "STOW_TOKEN_FILE": 1, "KAFKA_PASSWORD_FILE": 1}
"""The fewest bytes of each."""
SERVICES = ("ingest", "segmentation", "features", "scoring", "aggregation", "federation")


@dataclass(frozen=True)
class Circumstances:
    """What the settings do not say.

    Attributes:
        ntp, clock_urls: see `clock.clock`; `none` where nothing is to be compared.
        prometheus, alertmanager: their addresses; `none` where there is none on purpose.
        called_as: the name that senders call ingest by.
        proxy: the HTTP proxy of this network.
        studies_a_day: examinations that come in.
    """

    ntp: tuple[str, ...] = ()
    clock_urls: tuple[str, ...] = ()
    prometheus: str | None = None
    alertmanager: str | None = None
    called_as: str | None = None
    proxy: str | None = None
    studies_a_day: float = STUDIES_A_DAY


def server_checks(given: Mapping[str, Environment], asked: Circumstances) -> list[Check]:
    """Each check that the settings call for, by service where it is one's own.

    Args:
        given: the environment of each service, by name.
        asked: the rest.
    """
    merged = {name: value for settings in given.values() for name, value in settings.items()}
    sites = listed_sites(merged.get("SITES", ""))  # of a centre, whoever of it comes to the log
    checks = [
        Check("site", lambda: [_site(given, merged)]),
        Check("clock", partial(_clock, asked)),
        Check("certificate", lambda: _of_each(given, lambda own: certificates(_certificates(own)))),
        Check("secret", lambda: _of_each(given, _secrets) or [unused("secret", "no settings name a secret")]),
        Check(
            "disk",
            lambda: (
                _of_each(given, lambda own: disks(_folders(own), asked.studies_a_day))
                or [unused("disk", "no settings name a folder")]
            ),
        ),
        Check("model", lambda: _of_each(given, models) or [unused("model", "no settings name a model")]),
        Check("policy", lambda: [policy(merged) if needs_policy(merged) else no_policy()]),
        Check("pacs", partial(_pacs, merged, asked)),
        Check("prometheus", partial(_prometheus, given, asked)),
        Check("alertmanager", lambda: [_alertmanager(asked)]),
        *(
            Check("kafka", partial(_kafka, name, settings, asked, sites, sees_all=PLATFORM in given))
            for name, settings in _by_principal(given).items()
        ),
        Check("centre", partial(_centre, merged, asked)),
    ]
    if "TLS_CERT_FILE" in merged:
        checks.append(Check("certificate", lambda: [_door(merged, asked)]))
    return checks


def _of_each(
    given: Mapping[str, Environment], look: Callable[[Environment], Iterable[Finding]]
) -> list[Finding]:
    """What is found with each service's settings: one name may stand for another file in each."""
    return list(dict.fromkeys(each for settings in given.values() for each in look(settings)))


def _site(given: Mapping[str, Environment], merged: Environment) -> Finding:
    names = {name: settings.get("SITE") for name, settings in given.items()}
    certificate = merged.get(f"{CENTRE}KAFKA_CERT_FILE")
    known = common_names(Path(certificate)) if certificate and Path(certificate).is_file() else []
    return site(names, known[0] if known else None)


def _clock(asked: Circumstances) -> Iterator[Finding]:
    if NONE in asked.ntp:
        yield unused("clock", "not compared with another (--ntp none)")
        return
    yield from clock(asked.ntp, asked.clock_urls)


def _certificates(settings: Environment) -> dict[str, str]:
    ends = ("CERT_FILE", "KEY_FILE", "CA_FILE")
    return {name: value for name, value in settings.items() if name.endswith(ends)}


def _secrets(settings: Environment) -> Iterator[Finding]:
    named = {name: Path(settings[name]) for name in SECRETS if name in settings}
    for name, path in named.items():
        try:
            length, mode = len(path.read_bytes().strip()), path.stat().st_mode
        except OSError as error:
            yield fault(
                "secret",
                f"{name}: {path} cannot be read ({error.strerror})",
                "make it, readable by the service",
            )
            continue
        if length < SECRETS[name]:
            yield fault(
                "secret", f"{name}: {path} holds {length} bytes", "make one by `openssl rand -hex 32`"
            )
        elif mode & (stat.S_IRWXO):
            yield fault("secret", f"{name}: everybody may read {path}", f"chmod o= {path}")
        else:
            yield ok("secret", f"{name}: {path}")


def _folders(settings: Environment) -> dict[str, Path]:
    found = {kind: Path(settings[kind.upper()]) for kind in ("inbox",) if kind.upper() in settings}
    store = settings.get("STORE", "")
    if store and "://" not in store:
        found["store"] = Path(store)
    if "AUDIT_LOG" in settings:
        found["audit"] = Path(settings["AUDIT_LOG"]).parent
    return found


def _pacs(settings: Environment, asked: Circumstances) -> Iterator[Finding]:
    if "PACS" not in settings:
        yield unused("pacs", "no archive is asked (SEGWATCH_PACS)")
        return
    try:
        peer = read_peer(settings["PACS"])
    except BadInput as error:
        yield fault("pacs", str(error), "mend SEGWATCH_PACS")
        return
    there = reach(f"{peer.host}:{peer.port}", f"the PACS {peer.title}", asked.proxy)
    yield there
    if there.state == "ok":
        yield echo(peer, settings.get("DICOM_AE_TITLE", "SEGWATCH"))


def _prometheus(given: Mapping[str, Environment], asked: Circumstances) -> Iterator[Finding]:
    if asked.prometheus is None:
        yield not_asked("prometheus", "--prometheus URL, or --prometheus none")
    elif asked.prometheus == NONE:
        yield unused("prometheus", "none here (--prometheus none)")
    else:
        yield from prometheus(asked.prometheus.rstrip("/"), [name for name in given if name in SERVICES])


def _alertmanager(asked: Circumstances) -> Finding:
    if asked.alertmanager is None:
        return not_asked("alertmanager", "--alertmanager URL, or --alertmanager none")
    if asked.alertmanager == NONE:
        return unused("alertmanager", "none here (--alertmanager none)")
    return alertmanager(asked.alertmanager.rstrip("/"))


def _by_principal(given: Mapping[str, Environment]) -> dict[str, Environment]:
    """One environment for each way to the site's own log, the first that has it."""
    found: dict[str, tuple[str, Environment]] = {}
    for name, settings in given.items():
        way = str(
            sorted((key, value) for key, value in settings.items() if key.startswith(("LOG", "KAFKA_")))
        )
        found.setdefault(way, (name, settings))
    return dict(found.values())


def _kafka(
    name: str, settings: Environment, asked: Circumstances, sites: list[str], *, sees_all: bool
) -> Iterator[Finding]:
    if settings.get("LOG") == "embedded":
        yield unused("kafka", f"{name} uses the embedded log")
        return
    connection = connection_of(settings)
    if not isinstance(connection, ConnectionSettings):
        yield unknown("kafka", f"{name}: {connection}", "mend the settings, and run it again")
        return
    there_must_be = (*map(at_the_centre, sites), *CENTRE_TOPICS) if sites else HOSPITAL_TOPICS
    found = broker(connection, f"Kafka of {name}", partial(_table, sites), asked.proxy, there_must_be)
    # How topics are kept only `platform` may see; where it is asked too, it says so for all.
    yield from (each for each in found if not (sees_all and (each.check, each.state) == UNSEEN))


def _table(sites: list[str], principal: str) -> Access | None:
    return (centre(sites) if sites else HOSPITAL).get(principal)


def _centre(settings: Environment, asked: Circumstances) -> Iterator[Finding]:
    if f"{CENTRE}KAFKA_BOOTSTRAP" not in settings:
        yield unused("centre", f"no settings name the way to the centre (SEGWATCH_{CENTRE}KAFKA_BOOTSTRAP)")
        return
    connection = connection_of(settings, CENTRE)
    if not isinstance(connection, ConnectionSettings):
        yield unknown("centre", f"the way to the centre: {connection}", "mend the settings, and run it again")
        return
    own = settings.get("SITE", "")
    topics = (at_the_centre(own),)
    yield from broker(connection, "the centre's Kafka", lambda _name: Access(writes=topics), asked.proxy)


def _door(settings: Environment, asked: Circumstances) -> Finding:
    certificate = Path(settings["TLS_CERT_FILE"])
    if asked.called_as is None:
        return unknown(
            "certificate", f"{certificate}: by what name senders call ingest is not known", "--called-as NAME"
        )
    if asked.called_as == NONE:
        return unused("certificate", "what senders call ingest by is not compared (--called-as none)")
    return door(certificate, asked.called_as)
