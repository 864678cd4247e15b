"""The same configuration as prometheus-operator reads it: an AlertmanagerConfig (v1alpha1).

The operator adds to each route and inhibition that the alert's label `namespace` must be the object's own;
the rules of the overlays bear it for that.
"""

import re
from collections.abc import Mapping
from typing import Any

from deploy.alerting.configuration import alertmanager
from deploy.alerting.contacts import Contacts, MailServer
from segwatch.errors import BadInput

MATCHER = re.compile(r'^(\w+)\s*(=~|!=|!~|=)\s*"(.*)"$')
MAIL_PASSWORD = {"name": "alertmanager-mail", "key": "password"}
MAIL_AUTHORITY = {"name": "alertmanager-mail", "key": "ca.crt"}
"""The Secret that holds what the relay needs; made by hand, as passwords are."""


def alertmanager_config(contacts: Contacts) -> dict[str, Any]:
    """The object, without a namespace: the overlay gives it.

    Raises:
        BadInput: a mute time is told in another time than UTC, which an AlertmanagerConfig does not know.
    """
    for mute in contacts.mutes:
        if mute.location != "UTC":
            raise BadInput(
                f"mute {mute.name}: an AlertmanagerConfig knows UTC only, not {mute.location};"
                " say its times in UTC"
            )
    plain = alertmanager(contacts)
    return {
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "AlertmanagerConfig",
        "metadata": {"name": "segwatch"},
        "spec": {
            "route": _route(plain["route"]),
            "receivers": [_receiver(each, contacts.mail_server) for each in plain["receivers"]],
            "inhibitRules": [_inhibition(each) for each in plain["inhibit_rules"]],
            **(
                {"muteTimeIntervals": [_interval(each) for each in plain["time_intervals"]]}
                if "time_intervals" in plain
                else {}
            ),
        },
    }


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {_camel(key): value for key, value in route.items() if key not in {"matchers", "routes"}}
    return {
        **renamed,
        **({"matchers": _matchers(route["matchers"])} if "matchers" in route else {}),
        **({"routes": [_route(each) for each in route["routes"]]} if "routes" in route else {}),
    }


def _receiver(receiver: Mapping[str, Any], server: MailServer | None) -> dict[str, Any]:
    webhooks = [
        {"url": each["url"], "sendResolved": each["send_resolved"]}
        for each in receiver.get("webhook_configs", [])
    ]
    mail = [_mail(each, server) for each in receiver.get("email_configs", []) if server is not None]
    return {
        "name": receiver["name"],
        **({"webhookConfigs": webhooks} if webhooks else {}),
        **({"emailConfigs": mail} if mail else {}),
    }


def _mail(email: Mapping[str, Any], server: MailServer) -> dict[str, Any]:
    """One address: an AlertmanagerConfig has no global part, so each says through what it goes."""
    return {
        "to": email["to"],
        "sendResolved": email["send_resolved"],
        "smarthost": server.smarthost,
        "from": server.sender,
        "requireTLS": server.starttls,
        "headers": [{"key": key, "value": value} for key, value in email["headers"].items()],
        "html": email["html"],
        "text": email["text"],
        **(
            {"authUsername": server.username, "authPassword": MAIL_PASSWORD}
            if server.username is not None
            else {}
        ),
        **({"tlsConfig": {"ca": {"secret": MAIL_AUTHORITY}}} if server.authority_file is not None else {}),
    }


def _inhibition(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sourceMatch": _matchers(rule["source_matchers"]),
        "targetMatch": _matchers(rule["target_matchers"]),
        **({"equal": rule["equal"]} if "equal" in rule else {}),
    }


def _interval(interval: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": interval["name"],
        "timeIntervals": [
            {
                "times": [
                    {"startTime": times["start_time"], "endTime": times["end_time"]}
                    for times in each["times"]
                ],
                **({"weekdays": each["weekdays"]} if "weekdays" in each else {}),
            }
            for each in interval["time_intervals"]
        ],
    }


def _matchers(matchers: list[str]) -> list[dict[str, str]]:
    found = []
    for matcher in matchers:
        parts = MATCHER.match(matcher)
        if parts is None:
            raise ValueError(f"no matcher: {matcher}")
        name, kind, value = parts.groups()
        # Equality is the default, and a bare `=` is a value that many YAML readers refuse.
        found.append({"name": name, **({} if kind == "=" else {"matchType": kind}), "value": value})
    return found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
