"""One table of the programs of a server, and what each may touch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploy.local.kafka.bridge import QUICK_JAVA as BRIDGE_JAVA
from deploy.local.stack.prometheus import RESEND_DELAY
from deploy.local.stack.service import ONE_THREAD
from deploy.server.layout import (
    ALERTMANAGER_PORT,
    APP,
    BIN,
    CURRENT,
    DATA,
    ETC,
    JARS,
    PROMETHEUS_PORT,
    PYTHON,
    Kind,
)
from deploy.server.settings import memory_of

KAFKA_HEAP = "-Xmx1g"


@dataclass(frozen=True)
class Daemon:
    """One unit.

    Attributes:
        name: the unit is `segwatch-NAME.service`, the user too.
        about: what it does.
        command: what is run.
        before: what is run before, to its end.
        after: the names of those that it needs.
        writes: the folders that it may write.
        lets_in: whom it may speak with, beside this machine.
        environment: the file of its settings, where it has one.
        once: whether it ends by itself.
        at: when a timer starts it, as systemd.time(7) has it, instead of the machine's start.
        memory: the most that it may use.
        devices: whether it needs a device, as a GPU.
        more: environment variables.
    """

    name: str
    about: str
    command: str
    before: str = ""
    after: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    lets_in: tuple[str, ...] = ()
    environment: str = ""
    once: bool = False
    at: str = ""
    memory: str = ""
    devices: bool = False
    more: Mapping[str, str] = field(default_factory=dict)


def programs(kind: Kind, names: Sequence[str], edited: Mapping[str, str]) -> list[Daemon]:
    """Everything that runs on the server, in the order in which it starts.

    Args:
        kind: hospital or centre.
        names: the services.
        edited: the edited settings.
    """
    found = [_kafka(kind), _topics(kind), *(_service(name, edited) for name in names)]
    if kind == "hospital" and edited.get("CENTRE_KAFKA"):
        found.append(_bridge(edited))
    return [*found, _backup(), *_monitoring()]


def _java(memory: Sequence[str], main: str) -> str:
    log = f"-Dlog4j2.configurationFile={APP}/deploy/local/kafka/log4j2.xml"
    return " ".join([f"{PYTHON} -m deploy.server java", *memory, log, "-cp", f"{JARS}/*", main])


def _kafka(kind: Kind) -> Daemon:
    properties = f"{ETC}/kafka/server.properties"
    formatted = _java(["-Xmx128m"], "kafka.tools.StorageTool format --ignore-formatted")
    return Daemon(
        "kafka",
        "the log (Kafka, one node)",
        f"{_java(['-Xms512m', KAFKA_HEAP], 'kafka.Kafka')} {properties}",
        before=f"{formatted} -t ${{CLUSTER_ID}} -c {properties}",
        writes=(f"{DATA}/kafka",),
        lets_in=("any",) if kind == "centre" else (),
        environment=f"{ETC}/kafka/cluster.env",
        memory="2G",
    )


def _topics(kind: Kind) -> Daemon:
    command = f"{PYTHON} -m deploy.server topics {kind}"
    return Daemon("platform", "makes topics and gives rights", command, after=("kafka",), once=True)


def _service(name: str, edited: Mapping[str, str]) -> Daemon:
    writes = {
        "ingest": (f"{DATA}/inbox", f"{DATA}/store"),
        "segmentation": (f"{DATA}/store",),
        "aggregation": (f"{DATA}/audit",),
    }
    return Daemon(
        name,
        name,
        f"{PYTHON} -m services.{name}",
        after=("kafka", "platform"),
        writes=writes.get(name, ()),
        lets_in=tuple(filter(None, [edited.get("PACS_NETWORK", "")])) if name == "ingest" else (),
        environment=f"{ETC}/settings/{name}.env",
        memory=memory_of(name),
        devices=name == "segmentation" and edited.get("DEVICE", "cpu") != "cpu",
        more={"HOME": "/tmp", "NUMBA_CACHE_DIR": "/tmp/numba", "PYTHONUNBUFFERED": "1", **ONE_THREAD},  # noqa: S108 - private
    )


def _backup() -> Daemon:
    folder = f"{DATA}/backups"
    return Daemon(
        "backup",
        "copies the ledger and the decisions",
        f"{CURRENT}/venv/bin/segwatch topics save {folder}",
        after=("kafka", "platform"),
        writes=(folder,),
        environment=f"{ETC}/settings/backup.env",
        once=True,
        at="daily",
        memory="512M",
    )


def _bridge(edited: Mapping[str, str]) -> Daemon:
    main = f"org.apache.kafka.connect.cli.ConnectStandalone {ETC}/bridge/worker.properties"
    return Daemon(
        "bridge",
        "carries releases to the centre",
        f"{_java(BRIDGE_JAVA, main)} {ETC}/bridge/connector.json",
        after=("kafka", "platform"),
        writes=(f"{DATA}/bridge",),
        lets_in=(edited["CENTRE_NETWORK"],),
        memory="1G",
    )


def _monitoring() -> list[Daemon]:
    data = f"{DATA}/prometheus"
    prometheus = [
        f"{BIN}/prometheus --config.file={ETC}/prometheus/prometheus.yml --storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT} --rules.alert.resend-delay={RESEND_DELAY}",
    ]
    alertmanager = [
        f"{BIN}/alertmanager --config.file={ETC}/alertmanager/alertmanager.yml",
        f"--storage.path={DATA}/alertmanager --web.listen-address=127.0.0.1:{ALERTMANAGER_PORT}",
        "--cluster.listen-address=",
    ]
    return [
        Daemon("prometheus", "Prometheus", " ".join(prometheus), writes=(data,), memory="2G"),
        # Whom it tells is anywhere: mail server, pager, webhook.
        Daemon(
            "alertmanager",
            "Alertmanager",
            " ".join(alertmanager),
            writes=(f"{DATA}/alertmanager",),
            lets_in=("any",),
            memory="512M",
        ),
    ]
