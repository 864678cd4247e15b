"""A plain Kafka that stands in for what Strimzi would make of an overlay's Kafka, topics, users and bridge.

Strimzi's operator comes as an image, which no registry gives here. What it makes is made from the same
manifests: the authority's Secret, a Secret for each KafkaUser with the same keys, a broker behind
`log-kafka-bootstrap:9093` with TLS and literal rights, every KafkaTopic, and a Connect worker. Not tried so:
the operator itself, three brokers, and what it does when a certificate ends.
"""

import base64
import json
from pathlib import Path
from typing import Any

from deploy.cluster.access import authority, certificate
from deploy.cluster.folders import CENTRE
from deploy.cluster.helpers import KAFKA
from segwatch.streaming.authority import openssl

Manifest = dict[str, Any]
SHUT = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
AS_KAFKA = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
BROKER = {"strimzi.io/cluster": "log", "strimzi.io/name": "log-kafka", "strimzi.io/kind": "Kafka"}
NODE_PORT = 30094
CLAIM = "data-log-node-0"
"""The broker's, as Strimzi names it too."""
TMP = "/tmp"  # noqa: S108 - a pod's own
PROPERTIES = """\
process.roles=broker,controller
node.id=0
controller.quorum.voters=0@localhost:9090
listeners={listeners},CONTROLLER://localhost:9090
advertised.listeners={advertised}
listener.security.protocol.map=TLS:SSL,HOSPITALS:SSL,CONTROLLER:SSL
inter.broker.listener.name=TLS
controller.listener.names=CONTROLLER
ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=/etc/broker/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location=/etc/broker/ca.crt
ssl.endpoint.identification.algorithm=
ssl.principal.mapping.rules=RULE:^CN=(.*?)$/$1/
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:log-kafka;User:platform
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.dirs=/var/lib/kafka/data/log
"""


class StandIn:
    """One overlay's Kafka.

    Attributes:
        folder: where its authority and keys lie.
    """

    def __init__(self, manifests: list[Manifest], namespace: str, folder: Path) -> None:
        self._manifests, self._namespace, self.folder = manifests, namespace, folder
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "ca.crt").exists():
            authority(folder, "cluster-ca")

    def secrets(self) -> list[Manifest]:
        """As Strimzi names them and their keys."""
        users = [each["metadata"]["name"] for each in self._of("KafkaUser")]
        ca = _coded((self.folder / "ca.crt").read_bytes())
        return [
            self._secret("log-cluster-ca-cert", {"ca.crt": ca}),
            *(self._secret(name, self.user(name)) for name in (*users, "platform")),
        ]

    def broker(self) -> list[Manifest]:
        """The broker, and a job that makes topics and rights."""
        names = ["log-kafka-bootstrap", f"log-kafka-bootstrap.{self._namespace}.svc", "localhost"]
        san = ",".join([*(f"DNS:{name}" for name in names), f"IP:{CENTRE}"])
        self.issue("log-kafka", f"subjectAltName={san}")
        keystore = b"".join((self.folder / f"log-kafka.{part}").read_bytes() for part in ("key", "crt"))
        own = {"keystore.pem": _coded(keystore), "ca.crt": _coded((self.folder / "ca.crt").read_bytes())}
        config = {"server.properties": self._properties(), "wanted.json": json.dumps(self._wanted())}
        config["make.py"] = (Path(__file__).parent / "make_topics.py").read_text()
        ports = [{"name": "tls", "port": 9093}]
        kind: Manifest = {}
        if self._has_door():
            ports.append({"name": "hospitals", "port": 9094, "nodePort": NODE_PORT})
            kind = {"type": "NodePort"}
        return [
            self._secret("broker-keys", own),
            self._made("v1", "ConfigMap", "broker", data=config),
            self._made(
                "v1", "Service", "log-kafka-bootstrap", spec={**kind, "selector": BROKER, "ports": ports}
            ),
            self._made("apps/v1", "StatefulSet", "log-node", spec=_broker_pods()),
            self._made("batch/v1", "Job", "make-topics", spec=_making()),
        ]

    def bridge(self) -> list[Manifest]:
        """A Connect worker of one process with the connector, as the overlay's two resources say."""
        (connect,), (connector,) = self._of("KafkaConnect"), self._of("KafkaConnector")
        worker = {
            **connect["spec"]["config"],
            "bootstrap.servers": connect["spec"]["bootstrapServers"],
            "offset.storage.file.filename": f"{TMP}/offsets",
            # The connector brings its producer's own, in PEM, beside which a worker's password may not stand.
            "security.protocol": "SSL",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": "/mnt/hospital-ca/ca.crt",
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": "/mnt/hospital/user.p12",
            "ssl.keystore.password": "segwatch",
        }
        order = {
            "name": connector["metadata"]["name"],
            "connector.class": connector["spec"]["class"],
            "tasks.max": connector["spec"]["tasksMax"],
            **connector["spec"]["config"],
        }
        data = {"worker.properties": _properties(worker), "connector.properties": _properties(order)}
        return [
            self._made("v1", "ConfigMap", "bridge-orders", data=data),
            self._made("apps/v1", "Deployment", "bridge-connect", spec=_bridge_pods(connect["spec"])),
        ]

    def user(self, name: str) -> dict[str, str]:
        """The entries of a principal's Secret."""
        self.issue(name, "basicConstraints=CA:FALSE")
        crt, key, store = (self.folder / f"{name}.{part}" for part in ("crt", "key", "p12"))
        password = "segwatch"  # noqa: S105 - of a store that lies beside it
        openssl(
            "pkcs12",
            "-export",
            "-in",
            str(crt),
            "-inkey",
            str(key),
            "-passout",
            f"pass:{password}",
            "-out",
            str(store),
        )
        files = {"ca.crt": self.folder / "ca.crt", "user.crt": crt, "user.key": key, "user.p12": store}
        coded = {entry: _coded(path.read_bytes()) for entry, path in files.items()}
        return {**coded, "user.password": _coded(password.encode())}

    def issue(self, name: str, extensions: str) -> None:
        """A certificate for a principal, anew each time."""
        certificate(self.folder, name, f"/CN={name}", extensions)

    def _of(self, kind: str) -> list[Manifest]:
        return [each for each in self._manifests if each["kind"] == kind]

    def _has_door(self) -> bool:
        (kafka,) = self._of("Kafka")
        return any(each["port"] == 9094 for each in kafka["spec"]["kafka"]["listeners"])

    def _properties(self) -> str:
        listeners, advertised = ["TLS://:9093"], ["TLS://log-kafka-bootstrap:9093"]
        if self._has_door():
            listeners.append("HOSPITALS://:9094")
            advertised.append(f"HOSPITALS://{CENTRE}:9094")
        return PROPERTIES.format(listeners=",".join(listeners), advertised=",".join(advertised))

    def _wanted(self) -> Manifest:
        topics = [
            {
                "name": each["spec"]["topicName"],
                "partitions": each["spec"]["partitions"],
                "config": {
                    name: str(value)
                    for name, value in each["spec"]["config"].items()
                    if name != "min.insync.replicas"
                },
            }
            for each in self._of("KafkaTopic")
        ]
        rights = [
            {
                "user": user["metadata"]["name"],
                "operation": operation.upper(),
                "type": acl["resource"]["type"].upper(),
                "name": acl["resource"]["name"],
                "pattern": acl["resource"]["patternType"].upper(),
            }
            for user in self._of("KafkaUser")
            for acl in user["spec"]["authorization"]["acls"]
            for operation in acl["operations"]
        ]
        return {"topics": topics, "rights": rights}

    def _secret(self, name: str, data: dict[str, str]) -> Manifest:
        return self._made("v1", "Secret", name, data=data)

    def _made(self, version: str, kind: str, name: str, **rest: object) -> Manifest:
        return {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "namespace": self._namespace},
            **rest,
        }


def _broker_pods() -> Manifest:
    container = {
        "name": "kafka",
        "image": KAFKA,
        "command": ["/opt/kafka/bin/run", "/etc/kafka/server.properties"],
        "securityContext": SHUT,
        "env": [{"name": "KAFKA_HEAP_OPTS", "value": "-Xms128m -Xmx384m"}],
        "resources": {"requests": {"cpu": "50m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
        "readinessProbe": {"tcpSocket": {"port": 9093}, "periodSeconds": 3},
        "volumeMounts": [
            {"name": "data", "mountPath": "/var/lib/kafka/data"},
            {"name": "tmp", "mountPath": TMP},
            {"name": "keys", "mountPath": "/etc/broker"},
            {"name": "config", "mountPath": "/etc/kafka"},
        ],
    }
    volumes = [
        {"name": "tmp", "emptyDir": {}},
        {"name": "keys", "secret": {"secretName": "broker-keys", "defaultMode": 0o440}},
        {"name": "config", "configMap": {"name": "broker"}},
    ]
    pod = {
        "containers": [container],
        "volumes": volumes,
        "terminationGracePeriodSeconds": 30,
        **_pod(AS_KAFKA),
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "serviceName": "log-kafka-bootstrap",
        "selector": {"matchLabels": BROKER},
        "template": {"metadata": {"labels": BROKER}, "spec": pod},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }


def _making() -> Manifest:
    container = {
        "name": "make",
        "image": "docker.io/segwatch/federation:0.1.0",
        "command": ["python", "/etc/make/make.py"],
        "securityContext": SHUT,
        "volumeMounts": [
            {"name": "make", "mountPath": "/etc/make"},
            {"name": "user", "mountPath": "/etc/user"},
            {"name": "tmp", "mountPath": TMP},
        ],
    }
    volumes = [
        {"name": "make", "configMap": {"name": "broker"}},
        {"name": "user", "secret": {"secretName": "platform", "defaultMode": 0o440}},
        {"name": "tmp", "emptyDir": {}},
    ]
    who = {**AS_KAFKA, "runAsUser": 10001, "fsGroup": 10001}
    pod = {"restartPolicy": "OnFailure", "containers": [container], "volumes": volumes, **_pod(who)}
    # The label lets it through to the broker, as a service; Strimzi's topic operator has a door of its own.
    return {
        "backoffLimit": 20,
        "template": {"metadata": {"labels": {"app.kubernetes.io/part-of": "segwatch"}}, "spec": pod},
    }


def _bridge_pods(connect: Manifest) -> Manifest:
    labels = {"strimzi.io/name": "bridge-connect"}
    made = connect["template"]
    container = {
        "name": "connect",
        "image": KAFKA,
        "command": [
            "/opt/kafka/bin/connect-standalone.sh",
            "/etc/orders/worker.properties",
            "/etc/orders/connector.properties",
        ],
        "securityContext": made["connectContainer"]["securityContext"],
        "env": [{"name": "KAFKA_HEAP_OPTS", "value": "-Xms64m -Xmx384m"}],
        "resources": {"requests": {"cpu": "50m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
        "volumeMounts": [
            *made["connectContainer"]["volumeMounts"],
            {"name": "orders", "mountPath": "/etc/orders"},
            {"name": "tmp", "mountPath": TMP},
        ],
    }
    volumes = [
        *made["pod"]["volumes"],
        {"name": "orders", "configMap": {"name": "bridge-orders"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    pod = {"containers": [container], "volumes": volumes, **_pod(AS_KAFKA)}
    return {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}


def _pod(who: Manifest) -> Manifest:
    return {"enableServiceLinks": False, "automountServiceAccountToken": False, "securityContext": who}


def _properties(settings: Manifest) -> str:
    """As Java reads them: a backslash is written twice."""
    return "".join(f"{name}={_value(value)}\n" for name, value in settings.items())


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\\", "\\\\")


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()
