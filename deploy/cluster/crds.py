"""The kinds that operators bring: their own definitions where these are at hand, else open ones."""

from collections.abc import Iterable
from typing import Any

import yaml

from deploy.local.machine.folders import ROOT

Manifest = dict[str, Any]
AT_HAND = ROOT.parent / "shared" / "k8s" / "crds"
"""No part of the repository."""
BARE, QUOTED = "- =\n", "- '='\n"
"""prometheus-operator's write an equals sign that PyYAML takes for a tag of its own."""


def definitions(manifests: Iterable[Manifest]) -> list[Manifest]:
    """A CustomResourceDefinition for each kind of these manifests that Kubernetes does not have itself."""
    known = {
        (each["spec"]["group"], each["spec"]["names"]["kind"]): each
        for path in sorted(AT_HAND.glob("*.yaml"))
        for each in yaml.load_all(path.read_text().replace(BARE, QUOTED), yaml.CSafeLoader)
        if each and each["kind"] == "CustomResourceDefinition"
    }
    wanted = {(*each["apiVersion"].split("/"), each["kind"]) for each in manifests if _custom(each)}
    return [
        known.get((group, kind)) or _open(group, version, kind) for group, version, kind in sorted(wanted)
    ]


def _custom(manifest: Manifest) -> bool:
    group, slash, _ = manifest["apiVersion"].partition("/")
    return bool(slash) and "." in group and not group.endswith(".k8s.io")


def _open(group: str, version: str, kind: str) -> Manifest:
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [served],
        },
    }
