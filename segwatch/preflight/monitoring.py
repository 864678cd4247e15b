"""Whether a Prometheus looks at us, and an Alertmanager hears it."""

import json
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from segwatch.preflight.findings import Finding, fault, ok, unknown

PATIENCE_SECONDS = 5.0
Labels = Mapping[str, str]


def prometheus(url: str, jobs: Collection[str]) -> Iterator[Finding]:
    """Whether a Prometheus scrapes each service, and knows an Alertmanager.

    Args:
        url: its address.
        jobs: the services.
    """
    if not jobs:
        remedy = "give the settings of each service (--settings), as /etc/segwatch/settings"
        yield unknown("prometheus", "no service was named that it should scrape", remedy)
        return
    try:
        active = _asked(f"{url}/api/v1/targets?state=active")["activeTargets"]
        heard = _asked(f"{url}/api/v1/alertmanagers")["activeAlertmanagers"]
    except (OSError, ValueError, KeyError) as error:
        yield fault(
            "prometheus", f"{url} does not answer as Prometheus ({error})", "mend the address, or start it"
        )
        return
    health = {(each["labels"].get("job", ""), each["health"]) for each in active}
    missing = sorted(set(jobs) - {job for job, _ in health})
    down = sorted(job for job in jobs if (job, "down") in health)
    waiting = sorted(job for job in jobs if (job, "unknown") in health)
    if missing:
        remedy = (
            "add them to its configuration (on a server: deploy/server), or let it pick up our PodMonitor"
        )
        yield fault("prometheus", f"{url} does not scrape {', '.join(missing)}", remedy)
    if down:
        yield fault(
            "prometheus", f"{url} scrapes {', '.join(down)} in vain", "open 8080/tcp from it to the services"
        )
    if waiting:
        yield unknown(
            "prometheus", f"{url} has not scraped {', '.join(waiting)} yet", "run it again in a minute"
        )
    if not missing and not down and not waiting:
        yield ok("prometheus", f"{url} scrapes {', '.join(sorted(jobs))}")
    if not heard:
        yield fault(
            "alertmanager", f"{url} knows no Alertmanager: nobody is told", "name one in its configuration"
        )


def alertmanager(url: str) -> Finding:
    """Whether an Alertmanager is there and ready."""
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=PATIENCE_SECONDS):  # noqa: S310 - the operator's
            return ok("alertmanager", f"{url} is ready")
    except (OSError, ValueError) as error:
        remedy = "start it, open its port, or mend the address: no page reaches anybody"
        return fault("alertmanager", f"{url} is not reached ({error})", remedy)


def selects(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Whether a label selector of Kubernetes' takes these labels; None takes none, an empty one all."""
    if selector is None:
        return False
    exact = all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
    return exact and all(_holds(each, labels) for each in selector.get("matchExpressions", ()))


def picked_up(
    servers: Collection[Mapping[str, Any]],
    kind: str,
    monitor: Mapping[str, Any],
    namespaces: Mapping[str, Labels],
) -> Finding:
    """Whether any Prometheus of the operator's picks up one of our PodMonitors or PrometheusRules.

    Args:
        servers: the cluster's Prometheus objects.
        kind: `podMonitor` or `rule`, as their selectors are called.
        monitor: the object.
        namespaces: the labels of each namespace.
    """
    name, namespace = monitor["metadata"]["name"], monitor["metadata"].get("namespace", "")
    called = f"{monitor['kind']} {namespace}/{name}"
    for server in servers:
        spec, home = server["spec"], server["metadata"].get("namespace", "")
        where = spec.get(f"{kind}NamespaceSelector")
        here = namespace == home if where is None else selects(where, namespaces.get(namespace, {}))
        if here and selects(spec.get(f"{kind}Selector"), monitor["metadata"].get("labels", {})):
            return ok("prometheus", f"{called} is picked up by {home}/{server['metadata']['name']}")
    listed = ", ".join(
        f"{each['metadata'].get('namespace', '')}/{each['metadata']['name']}" for each in servers
    )
    if not listed:
        return fault(
            "prometheus", f"there is no Prometheus that could pick up {called}", "install prometheus-operator"
        )
    return fault(
        "prometheus",
        f"{called} is picked up by none of {listed}",
        f"let its {kind}Selector and {kind}NamespaceSelector take it: {{}} takes all",
    )


def tells_somebody(
    servers: Collection[Mapping[str, Any]], managers: Collection[Mapping[str, Any]]
) -> Finding:
    """Whether the operator's Prometheus objects name an Alertmanager that is there."""
    there = {each["metadata"]["name"] for each in managers}
    if not there:
        return fault(
            "alertmanager", "there is no Alertmanager in the cluster", "make one, or no page reaches anybody"
        )
    ready = [each for each in managers if (each.get("status") or {}).get("availableReplicas", 0) > 0]
    named = any((each["spec"].get("alerting") or {}).get("alertmanagers") for each in servers)
    if not named:
        return fault("alertmanager", "no Prometheus names an Alertmanager", "set spec.alerting.alertmanagers")
    if not ready:
        return fault("alertmanager", f"no replica of {', '.join(sorted(there))} is available", "see its pods")
    return ok("alertmanager", f"{', '.join(sorted(there))} is there, and named")


def not_asked(what: str, option: str) -> Finding:
    """Nobody said where it is."""
    return unknown(what, f"nobody said where {what.capitalize()} is", f"say so by {option}")


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    value, wanted = labels.get(expression["key"]), expression.get("values", ())
    return {
        "In": value in wanted,
        "NotIn": value not in wanted,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[expression["operator"]]


def _asked(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - the operator's
        data: dict[str, Any] = json.load(answer)["data"]
    return data
