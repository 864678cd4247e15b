"""The two images that the Dockerfiles begin with: `python:3.11-slim`, or the same from Debian's packages.

BUILDER has what a build needs beside Python (pip, strip); BASE has Python and nothing to build with.
"""

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.images.engine import Engine, environment
from segwatch.errors import BadSettings

OFFICIAL = "docker.io/library/python:3.11-slim"
SUITE = "bookworm"
"""Debian's release with Python 3.11."""
BUILDER, BASE = (f"localhost/segwatch/{name}:{SUITE}" for name in ("builder", "base"))
PACKAGES = {
    BUILDER: ("python3", "python3-venv", "ca-certificates", "binutils"),
    BASE: ("python3", "ca-certificates"),
}
UNUSED = (
    *("apt", "libapt-pkg6.0", "gpgv", "debian-archive-keyring", "libgnutls30", "libp11-kit0", "libnettle8"),
    *("libhogweed6", "libunistring2", "libidn2-0", "libtasn1-6", "libgcrypt20", "libgpg-error0"),
    *("perl-base", "libdb5.3"),
)
"""Packages that make a root and that nothing in it calls when it is made."""
HOOKS = {
    BUILDER: 'ln -s python3 "$1/usr/bin/python"',
    BASE: f'ln -s python3 "$1/usr/bin/python"; chroot "$1" dpkg --purge --force-all {" ".join(UNUSED)}',
}
LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/share/perl/*",
    "/usr/lib/x86_64-linux-gnu/perl/*",
    "/usr/lib/x86_64-linux-gnu/gconv/*",
    "/usr/lib/python3.11/test/*",
    "/usr/lib/python3.11/lib2to3/*",
    "/usr/lib/python3.11/pydoc_data/*",
)
"""Nothing in an image reads manuals, Perl's modules, foreign encodings' tables or Python's own tests."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def bases(engine: Engine, runner: Engine, say: Callable[[str], None]) -> Mapping[str, str]:
    """The build arguments BUILDER and BASE: the official image where a registry gives it, else ours.

    Raises:
        BadSettings: neither can be had.
    """
    ours = {"BUILDER": BUILDER, "BASE": BASE}
    if all(engine.size(name) is not None for name in ours.values()):
        return ours
    if engine.size(OFFICIAL) is not None or engine.pulls(OFFICIAL):
        return dict.fromkeys(ours, OFFICIAL)
    say(f"no registry gives {OFFICIAL}: a base is made from Debian's packages (a few minutes, once)")
    for name, packages in PACKAGES.items():
        _from_debian(runner, name, packages)
    return ours


def _from_debian(runner: Engine, name: str, packages: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.tar"
        words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"]
        words += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
        words.append(f"--customize-hook={HOOKS[name]}")
        words += ['--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin']
        try:
            subprocess.run([*words, SUITE, str(root)], check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise BadSettings(
                f"neither {OFFICIAL} nor mmdebstrap is at hand; on Debian: apt-get install mmdebstrap"
            ) from None
        changes = [f"--change=ENV PATH={PATH}", '--change=CMD ["python3"]']
        command = [runner.name, "import", "--quiet", *changes, str(root), name]
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
