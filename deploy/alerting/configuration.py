"""Alertmanager's configuration, made from contacts: routes, receivers, inhibition, mute times.

Format: https://prometheus.io/docs/alerting/latest/configuration/
"""

from collections.abc import Iterator
from typing import Any

from deploy.alerting.contacts import Contact, Contacts, MailServer, Mute
from deploy.alerting.inhibition import inhibit_rules

SUBJECT = (
    '[segwatch {{ .CommonLabels.severity }}{{ if eq .Status "resolved" }}, over{{ end }}] '
    "{{ (index .Alerts 0).Annotations.summary }}"
    "{{ if gt (len .Alerts) 1 }} (and {{ len (slice .Alerts 1) }} more){{ end }}"
)
TEXT = (
    "{{ range .Alerts }}{{ .Annotations.summary }}{{ if eq .Status `resolved` }} (over){{ else }}"
    " (since {{ .StartsAt.UTC.Format `2006-01-02 15:04` }} UTC){{ end }}\n"
    "{{ .Annotations.description }}\n"
    "{{ with .Annotations.dashboard_url }}Look: {{ . }}\n{{ end }}"
    "{{ with .Annotations.runbook_url }}Do: {{ . }}\n{{ end }}\n{{ end }}"
)
"""What a mail says: for each alert its summary and since when it stands, for it is told again while it does;
what is known, where to look, and what to do."""

TIMES = {
    "page": {"group_wait": "5s", "group_interval": "1m", "repeat_interval": "4h"},
    "ticket": {"group_wait": "1m", "group_interval": "15m", "repeat_interval": "24h"},
    "watchdog": {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "2m"},
}
MANY_AT_ONCE = (
    "SegwatchSiteTopicMissing",
    "SegwatchReleasesVanished",
    "SegwatchReleaseConflict",
    "SegwatchNotReady",
    "SegwatchInstanceDown",
)
"""Pages that come for many sites or services at once, when what they share is away: they are one post, which
waits a minute for the last."""


def alertmanager(contacts: Contacts) -> dict[str, Any]:
    """The whole configuration, for `alertmanager --config.file`."""
    return {
        **({"global": _mail(contacts.mail_server)} if contacts.mail_server else {}),
        "route": _route(contacts),
        "receivers": [
            _receiver(name, contact, contacts.mail_server) for name, contact in _receivers(contacts)
        ],
        "inhibit_rules": inhibit_rules(),
        **({"time_intervals": [_interval(mute) for mute in contacts.mutes]} if contacts.mutes else {}),
    }


def _route(contacts: Contacts) -> dict[str, Any]:
    """Watchdog first, then each site's contact, then everybody's.

    A group of pages is one alert and one site, so hospitals that change at the same time stay apart; what
    concerns many sites at once is an alert of its own, which inhibits theirs, or one of MANY_AT_ONCE. A group
    of tickets is one alert, since whoever has time looks at all sites.
    """
    routes = []
    if contacts.watchdog:
        routes.append(
            {
                "receiver": "watchdog",
                "matchers": ['alertname = "SegwatchWatchdog"'],
                "group_by": ["alertname"],
                **TIMES["watchdog"],
            }
        )
    else:
        routes.append({"receiver": "nobody", "matchers": ['alertname = "SegwatchWatchdog"']})
    named = [mute_site for mute in contacts.mutes for mute_site in mute.sites]
    for site in sorted({*contacts.sites, *named}):
        routes += [_branch(contacts, severity, site) for severity in ("page", "ticket")]
    many = _branch(contacts, "page", None)
    many["matchers"].append(f'alertname =~ "{"|".join(MANY_AT_ONCE)}"')
    routes.append({**many, "group_by": ["alertname"], "group_wait": "1m"})
    routes += [_branch(contacts, severity, None) for severity in ("page", "ticket")]
    # What has neither severity is told to those whom a page wakes: unknown is never unimportant.
    return {"receiver": "page", "group_by": ["alertname", "site"], **TIMES["page"], "routes": routes}


def _branch(contacts: Contacts, severity: str, site: str | None) -> dict[str, Any]:
    mutes = [
        mute.name
        for mute in contacts.mutes
        if (mute.pages or severity == "ticket") and (not mute.sites or site in mute.sites)
    ]
    return {
        "receiver": _receiver_name(contacts, severity, site),
        "matchers": [f'severity = "{severity}"', *([f'site = "{site}"'] if site else [])],
        **TIMES[severity],
        **({"group_by": ["alertname"]} if severity == "ticket" else {}),
        **({"mute_time_intervals": mutes} if mutes else {}),
    }


def _receiver_name(contacts: Contacts, severity: str, site: str | None) -> str:
    special = contacts.sites.get(site) if site else None
    if special is not None and getattr(special, severity) is not None:
        return f"{site}-{severity}"
    return severity if severity == "page" or contacts.ticket is not None else "page"


def _receivers(contacts: Contacts) -> Iterator[tuple[str, Contact | None]]:
    yield "page", contacts.page
    if contacts.ticket is not None:
        yield "ticket", contacts.ticket
    for site, special in sorted(contacts.sites.items()):
        for severity in ("page", "ticket"):
            if getattr(special, severity) is not None:
                yield f"{site}-{severity}", getattr(special, severity)
    if contacts.watchdog:
        yield "watchdog", Contact(webhooks=[contacts.watchdog])
    else:
        yield "nobody", None


def _receiver(name: str, contact: Contact | None, server: MailServer | None) -> dict[str, Any]:
    if contact is None:
        return {"name": name}
    told_when_over = name != "watchdog"
    webhooks = [{"url": url, "send_resolved": told_when_over} for url in contact.webhooks]
    mail = [
        {
            "to": address,
            "send_resolved": True,
            "headers": {"Subject": SUBJECT},
            "html": "",
            "text": TEXT,
            **(
                {"tls_config": {"ca_file": str(server.authority_file)}}
                if server and server.authority_file
                else {}
            ),
        }
        for address in contact.mail
    ]
    return {
        "name": name,
        **({"webhook_configs": webhooks} if webhooks else {}),
        **({"email_configs": mail} if mail else {}),
    }


def _mail(server: MailServer) -> dict[str, Any]:
    return {
        "smtp_smarthost": server.smarthost,
        "smtp_from": server.sender,
        "smtp_require_tls": server.starttls,
        **(
            {"smtp_auth_username": server.username, "smtp_auth_password_file": str(server.password_file)}
            if server.username is not None
            else {}
        ),
    }


def _interval(mute: Mute) -> dict[str, Any]:
    return {
        "name": mute.name,
        "time_intervals": [
            {
                "times": [{"start_time": mute.begin, "end_time": mute.end}],
                "location": mute.location,
                **({"weekdays": mute.days} if mute.days else {}),
            }
        ],
    }
