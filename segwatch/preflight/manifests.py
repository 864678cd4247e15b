"""The objects of a rendered overlay or of a namespace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from segwatch.contracts.topics import listed_sites
from segwatch.errors import BadInput, in_one_line

Object = Mapping[str, Any]
KINDS_WITH_PODS = ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class Manifests:
    """The objects of an overlay or a namespace."""

    objects: Sequence[Object]

    def of(self, kind: str) -> list[Object]:
        """Those of a kind."""
        return [each for each in self.objects if each.get("kind") == kind]

    def data(self, name: str) -> dict[str, str]:
        """The ConfigMap of this name, whatever hash its name bears; empty where there is none."""
        maps = [each for each in self.of("ConfigMap") if _stem(each["metadata"]["name"]) == name]
        return dict(maps[-1].get("data") or {}) if maps else {}

    def workloads(self) -> list[Object]:
        """What makes pods of ours."""
        return [each for kind in KINDS_WITH_PODS for each in self.of(kind)]

    def names(self) -> set[str]:
        """The names of the workloads."""
        return {each["metadata"]["name"] for each in self.workloads()}

    def sites(self) -> list[str]:
        """The hospitals that a centre expects; empty in a hospital."""
        return listed_sites(self.data("federation-settings").get("SEGWATCH_SITES", ""))


def read_manifests(text: str, called: str) -> Manifests:
    """The objects of a YAML text.

    Raises:
        BadInput: it is no YAML, or holds no objects of Kubernetes.
    """
    try:
        documents = [each for each in yaml.safe_load_all(text) if each]
    except yaml.YAMLError as error:
        raise BadInput(f"{called} is not YAML: {in_one_line(error)}") from None
    flat = [
        one for each in documents for one in (each.get("items", [each]) if isinstance(each, dict) else [each])
    ]
    if not flat or not all(isinstance(each, dict) and "kind" in each and "metadata" in each for each in flat):
        raise BadInput(
            f"{called} holds no objects of Kubernetes: give what `kubectl kustomize OVERLAY` writes"
        )
    return Manifests(flat)


def _stem(name: str) -> str:
    """The name of a generated ConfigMap without its hash."""
    stem, _, end = name.rpartition("-")
    return stem if stem and len(end) == 10 and end.isalnum() else name
