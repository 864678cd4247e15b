"""`python -m deploy.helm` writes the chart: the overlays, with marks in place of what a hospital edits.

Each line of `hospital.env` becomes a value, and goes where the overlay puts it: that stays the one truth.
What the overlay `small` has otherwise than `hospital` is there by the value `small`.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from deploy.local.machine.folders import ROOT
from segwatch.contracts.topics import COPIES
from segwatch.preflight.settings_files import lines_of

Manifest = dict[str, Any]
Objects = dict[tuple[str, str], Manifest]
CHART = Path(__file__).parent / "segwatch"
HEADER = "# Written by `python -m deploy.helm` from k8s/overlays; change these, not this file.\n"
NAMESPACE = "segwatch"
SHARED = "ReadWriteMany"
KAFKA = "apache/kafka:4.3.1"
"""The broker's and the bridge's image in `small`."""
CONDITIONS = {
    "settings": "",
    "services": "",
    "claims": "",
    "kafka": "and .Values.strimzi (not .Values.small)",
    "monitoring": ".Values.prometheusOperator",
    "tools": ".Values.tools",
}
"""The templates, and when each is there."""
MARK = "zz{}zz"
MARKED = re.compile(r"zz([A-Za-z0-9]+)zz")
WHOLE = re.compile(r": zz([A-Za-z0-9]+)zz$", re.MULTILINE)
"""Where a mark is all that a field holds, it is text, be it empty or a number."""
HASHED = re.compile(r"\b(common|policy|bridge-orders|[a-z]+-settings)-[a-z0-9]{10}\b")
STRIMZI = ("Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser", "KafkaConnect", "KafkaConnector")
MONITORING = ("PodMonitor", "PrometheusRule", "AlertmanagerConfig")
FACTORS = re.compile(r"(replication\.factor|default\.replication\.factor)$")
IN_STEP = re.compile(r"(min\.insync\.replicas|min\.isr)$")
EXPRESSIONS = {
    "brokers": "{{ .Values.kafka.brokers }}",
    "copies": f"{{{{ min {COPIES} (int .Values.kafka.brokers) }}}}",
    "inStep": f"{{{{ max 1 (sub (min {COPIES} (int .Values.kafka.brokers)) 1) }}}}",
    "kafkaImage": "{{ .Values.kafka.image | quote }}",
    "accessMode": "{{ .Values.accessMode }}",
    "policy": "{{ .Values.policy | quote }}",
    "stopRule": "{{ .Values.stopRule | quote }}",
}
SMALL = {"small": True, "accessMode": "ReadWriteOnce", "prometheusOperator": False}
"""One node and no operator, as the overlay of that name."""
WITHOUT_MONITORING = "  - ../../components/without-prometheus-operator\n"


def chart() -> dict[str, str]:
    """Each file of the chart by its path in it."""
    lines = _edited()
    with _marked_overlays(lines) as overlays:
        hospital, small = (_rendered(overlays / name) for name in ("hospital", "small"))
    return {
        "Chart.yaml": HEADER + yaml.safe_dump(_about(), sort_keys=False),
        "values.yaml": HEADER + yaml.safe_dump(_values(lines), sort_keys=False, width=110),
        "values-small.yaml": HEADER + yaml.safe_dump(SMALL, sort_keys=False),
        **{f"templates/{name}.yaml": text for name, text in _templates(hospital, small)},
    }


def main() -> None:
    """Write it."""
    shutil.rmtree(CHART, ignore_errors=True)
    for name, text in chart().items():
        path = CHART / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _edited() -> dict[str, str]:
    return lines_of(ROOT / "k8s/overlays/hospital/hospital.env")


@contextmanager
def _marked_overlays(lines: dict[str, str]) -> Iterator[Path]:
    """The overlays with a mark in place of each edited line, and of both policies."""
    with tempfile.TemporaryDirectory() as folder:
        overlays = Path(shutil.copytree(ROOT / "k8s", Path(folder) / "k8s")) / "overlays"
        marks = "".join(f"{line}={MARK.format(_value(line))}\n" for line in lines)
        (overlays / "hospital" / "hospital.env").write_text(marks)
        (overlays / "hospital" / "policy.yaml").write_text(MARK.format("policy"))
        (overlays / "hospital" / "stop-rule.yaml").write_text(MARK.format("stopRule"))
        small = overlays / "small" / "kustomization.yaml"
        small.write_text(small.read_text().replace(WITHOUT_MONITORING, ""))
        yield overlays


def _rendered(overlay: Path) -> Objects:
    """Its objects by kind and name, marked; the namespace is helm's."""
    command = ["kubectl", "kustomize", str(overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [_marked(each) for each in yaml.safe_load_all(HASHED.sub(r"\1", done.stdout))]
    return {(each["kind"], each["metadata"]["name"]): each for each in found if each["kind"] != "Namespace"}


def _value(line: str) -> str:
    """The value's name: `PACS_NETWORK` is `pacsNetwork`."""
    first, *others = line.lower().split("_")
    return first + "".join(each.capitalize() for each in others)


def _values(lines: dict[str, str]) -> dict[str, Any]:
    overlay = ROOT / "k8s/overlays/hospital"
    return {
        **{_value(line): text for line, text in lines.items()},
        "small": False,
        "storageClass": "",
        "accessMode": SHARED,
        "kafka": {"brokers": COPIES, "image": KAFKA},
        "strimzi": True,
        "prometheusOperator": True,
        "tools": True,
        "policy": (overlay / "policy.yaml").read_text(),
        "stopRule": (overlay / "stop-rule.yaml").read_text(),
    }


def _about() -> dict[str, Any]:
    return {
        "apiVersion": "v2",
        "name": "segwatch",
        "description": "Quality monitoring of lesion segmentation in a hospital. Not a diagnostic device.",
        "type": "application",
        "version": version("segwatch"),
        "appVersion": version("segwatch"),
        "kubeVersion": ">=1.29.0-0",
    }


def _marked(each: dict[str, Any]) -> dict[str, Any]:
    """An object with marks in place of what depends on how many brokers there are, and on the storage."""
    kind, spec = each["kind"], each.get("spec", {})
    if kind == "PersistentVolumeClaim" and spec["accessModes"] == [SHARED]:
        spec["accessModes"] = [MARK.format("accessMode")]
    if kind in ("Deployment", "StatefulSet"):
        for container in spec["template"]["spec"]["containers"]:
            if container["image"] == KAFKA:
                container["image"] = MARK.format("kafkaImage")
    if kind == "KafkaNodePool":
        spec["replicas"] = MARK.format("brokers")
    if kind == "KafkaTopic":
        spec["replicas"] = MARK.format("copies")
        _count(spec["config"])
    if kind == "Kafka":
        _count(spec["kafka"]["config"])
    if kind == "KafkaConnect":
        _count(spec["config"])
    return each


def _count(config: dict[str, Any]) -> None:
    for name in config:
        if FACTORS.search(name):
            config[name] = MARK.format("copies")
        elif IN_STEP.search(name):
            config[name] = MARK.format("inStep")


def _templates(hospital: Objects, small: Objects) -> Iterator[tuple[str, str]]:
    """The templates by name, and what switches each off."""
    parts: dict[str, list[str]] = {name: [] for name in CONDITIONS}
    for key in sorted({*hospital, *small}):
        here, there = hospital.get(key), small.get(key)
        if here and there and key[0] == "PersistentVolumeClaim":  # by the value `accessMode` in both
            there["spec"]["accessModes"] = here["spec"]["accessModes"]
        parts[_template_of(*key)].append(_part(here, there))
    for name, texts in parts.items():
        text = "".join(texts)
        text = _with_class(text) if name == "claims" else _with_checksum(text) if name == "services" else text
        yield name, HEADER + _only_with(CONDITIONS[name], text)


def _template_of(kind: str, name: str) -> str:
    if (kind, name) == ("Deployment", "operator"):
        return "tools"
    if kind in STRIMZI:
        return "kafka"
    if kind in MONITORING:
        return "monitoring"
    return {"PersistentVolumeClaim": "claims", "ConfigMap": "settings"}.get(kind, "services")


def _part(here: Manifest | None, there: Manifest | None) -> str:
    """One object: the same in both overlays, in one of them only, or in each as it has it."""
    if here == there and here is not None:
        return _text(here)
    if here is None or there is None:
        return (
            _only_with("not .Values.small", _text(here))
            if here
            else _only_with(".Values.small", _text(there))
        )
    return f"{{{{- if .Values.small }}}}\n{_text(there)}{{{{- else }}}}\n{_text(here)}{{{{- end }}}}\n"


def _text(manifest: Manifest | None) -> str:
    text = "---\n" + yaml.safe_dump(manifest, sort_keys=False, width=10**6)
    # What Prometheus and Kafka read as their own templates is none of Helm's.
    text = text.replace("{{", "\0").replace("}}", '{{ "}}" }}').replace("\0", '{{ "{{" }}')
    text = re.sub(rf"^(\s+namespace: ){NAMESPACE}$", r"\1{{ .Release.Namespace }}", text, flags=re.MULTILINE)
    text = WHOLE.sub(lambda found: f": {_expression(found[1], ' | quote')}", text)
    return MARKED.sub(lambda found: _expression(found[1]), text)


def _expression(name: str, also: str = "") -> str:
    return EXPRESSIONS.get(name) or f"{{{{ .Values.{name}{also} }}}}"


def _only_with(condition: str, text: str) -> str:
    return f"{{{{- if {condition} }}}}\n{text}{{{{- end }}}}\n" if condition else text


def _with_class(text: str) -> str:
    chosen = "spec:\n{{- with $.Values.storageClass }}\n  storageClassName: {{ . }}\n{{- end }}\n"
    return re.sub(r"^spec:\n", chosen, text, flags=re.MULTILINE)


def _with_checksum(text: str) -> str:
    """Pods are made anew where a setting changes, as they are by the hashes in the overlay's names."""
    sum_of = '{{ include (print $.Template.BasePath "/settings.yaml") . | sha256sum }}'
    return text.replace(
        "  template:\n    metadata:\n",
        f"  template:\n    metadata:\n      annotations:\n        checksum/settings: {sum_of}\n",
    )


if __name__ == "__main__":
    main()
