"""A real mail server on loopback: Debian's exim4, with TLS and a password, that writes into one mailbox."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deploy.local.machine.binaries import EXIM, obtain
from deploy.local.machine.ports import LOOPBACK
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program, running
from tests.support.certificates import make_certificates

NIGHT = "night@hospital.example"
USERNAME, PASSWORD = "segwatch", "not-a-secret"
CONFIGURATION = """
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = {host}
daemon_smtp_ports = {port}
primary_hostname = mail.hospital.example
tls_advertise_hosts = *
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.key
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = from_ours
acl_smtp_data = any
begin acl
from_ours:
  accept authenticated = *
         encrypted = *
any:
  accept
begin routers
everybody:
  driver = accept
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  file = {folder}/mailbox
  user = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{username}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


@dataclass(frozen=True)
class MailServer:
    """Where it listens, and what it wants."""

    address: str
    folder: Path
    username: str = USERNAME

    @property
    def mailbox(self) -> Path:
        """What it was sent (mbox); missing until the first mail."""
        return self.folder / "mailbox"

    @property
    def password_file(self) -> Path:
        """Holds the password."""
        return self.folder / "password"

    @property
    def authority_file(self) -> Path:
        """Who signed its certificate."""
        return self.folder / "ca.pem"

    def log(self) -> str:
        """What it says of itself."""
        return "\n".join(path.read_text() for path in self.folder.glob("*log"))


class _Exim(Program):
    def __init__(self, binary: Path, folder: Path) -> None:
        super().__init__("exim4", ports=1)
        self._binary, self._folder = binary, folder

    def recipe(self) -> Launch:
        configuration = self._folder / "exim.conf"
        configuration.write_text(
            CONFIGURATION.format(
                folder=self._folder,
                host=LOOPBACK,
                port=self.port,
                username=USERNAME,
                password=PASSWORD,
            )
        )
        command = [str(self._binary), "-C", str(configuration), "-bdf"]
        ready = (self._folder / "exim.pid").exists
        return Launch(command, base_environment(), self._folder / "exim.out", ready)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A running one; skips the test where none can be had, or where this is not root: exim4 must be.

    Its folder is none of pytest's: exim4 gives up root's rights, and nobody else may enter those.
    """
    if os.geteuid() != 0:
        pytest.skip("a mail server is installed and run by root only")
    binary = obtain(EXIM, lambda _: None)
    if binary is None:
        pytest.skip("Debian's exim4 cannot be had here")
    with TemporaryDirectory(prefix="segwatch-mail-") as made:
        folder = Path(made)
        folder.chmod(0o777)
        make_certificates(folder)
        for readable in folder.iterdir():
            readable.chmod(0o644)
        (folder / "password").write_text(PASSWORD)
        exim = _Exim(binary, folder)
        with running(exim):
            yield MailServer(exim.address, folder)
