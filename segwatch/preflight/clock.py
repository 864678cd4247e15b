"""This machine's clock against others'. Sources: SNTP (RFC 4330), HTTP's Date (RFC 9110 6.6.1)."""

import socket
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime

from segwatch.preflight.findings import Finding, fault, ok, unknown

MOST_SECONDS = 60.0
"""The centre tickets a site whose heartbeats come from a minute ahead (SegwatchSiteClockWrong)."""
PATIENCE_SECONDS = 3.0
_SINCE_1900 = 2_208_988_800
_CLIENT = b"\x23" + 47 * b"\0"
"""Version 4, mode 3."""
_UNSYNCHRONISED, _WORST_STRATUM = 3, 15
"""Leap indicator and stratum of an answer that is no time (RFC 4330 sections 4 and 5)."""
REMEDY = "set it by NTP (`timedatectl set-ntp true`, or chrony with the hospital's server)"


def clock(ntp: Sequence[str], urls: Sequence[str]) -> Iterator[Finding]:
    """How far this clock is from each source's.

    Args:
        ntp: servers, `host` or `host:port`.
        urls: pages whose answer bears the time.
    """
    if not ntp and not urls:
        yield unknown(
            "clock", "nothing to compare the clock with", "name a server by --ntp, or a page by --clock-url"
        )
    for server in ntp:
        try:
            yield finding(f"the NTP server {server}", ntp_offset(server))
        except OSError as error:
            said = "no answer" if isinstance(error, TimeoutError) else error
            yield unknown(
                "clock", f"the NTP server {server}: {said}", "open 123/udp to it, or name another by --ntp"
            )
    for url in urls:
        try:
            yield finding(url, http_offset(url))
        except (OSError, ValueError, TypeError) as error:
            yield unknown("clock", f"{url} tells no time: {error}", "name another page by --clock-url")


def finding(source: str, offset: float) -> Finding:
    """What an offset means: seconds that this clock is ahead of the source's."""
    if abs(offset) <= MOST_SECONDS:
        return ok("clock", f"within {MOST_SECONDS:.0f} s of {source}")
    side = "ahead of" if offset > 0 else "behind"
    return fault("clock", f"this clock is {abs(offset):.0f} s {side} {source}", REMEDY)


def ntp_offset(server: str) -> float:
    """By how many seconds this clock is ahead of an SNTP server's.

    Raises:
        OSError: no such server, or no answer.
    """
    host, _, port = server.partition(":")
    family, kind, protocol, _, where = socket.getaddrinfo(host, int(port or 123), type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as asking:
        asking.settimeout(PATIENCE_SECONDS)
        sent = time.time()
        asking.sendto(_CLIENT, where)
        answer, _ = asking.recvfrom(512)
        came = time.time()
    if len(answer) < 48:
        raise OSError("its answer is too short")
    if answer[0] >> 6 == _UNSYNCHRONISED or not 1 <= answer[1] <= _WORST_STRATUM:
        raise OSError("it says itself that its clock is not set")
    taken, given = (_seconds(answer, at) for at in (32, 40))
    return ((sent - taken) + (came - given)) / 2


def http_offset(url: str) -> float:
    """By how many seconds this clock is ahead of a web server's, whose times are whole seconds."""
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the operator's address
    sent = time.time()
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            date = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        date = error.headers["Date"]  # a refusal bears the time too
        error.close()
    theirs = parsedate_to_datetime(date).timestamp() + 0.5
    return (sent + time.time()) / 2 - theirs


def _seconds(answer: bytes, at: int) -> float:
    whole, part = struct.unpack_from("!II", answer, at)
    return float(whole - _SINCE_1900 + part / 2**32)
