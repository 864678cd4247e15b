"""The two images that the Dockerfiles begin with: `python:3.11-slim`, or the same from Debian's packages.

BUILDER has what a build needs beside Python (pip, strip); BASE has Python and nothing to build with.
"""

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.images.engine import Engine, last_words
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
LEFT_OUT = ("doc", "man", "locale", "perl")
"""Of /usr/share: nothing in an image reads manuals, translations or Perl's modules."""
REMOVED = (
    *(f"usr/lib/x86_64-linux-gnu/{name}" for name in ("perl", "gconv")),
    *(f"usr/lib/python3.11/{name}" for name in ("test", "lib2to3", "pydoc_data")),
    *("var/lib/apt/lists/*", "var/cache/apt/*.bin"),
)
"""Foreign encodings' tables, Python's own tests, and what making a root leaves. Python's package compiles its
own files when it is set up, and does not come up where some were left out before."""
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"
"""Without it the package usrmerge comes, and Perl with it, whose modules are left out."""
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
        words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--hook-dir={MERGED}"]
        words.append(f"--include={','.join(packages)}")
        words += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
        words.append(f"--customize-hook={HOOKS[name]}")
        words.append("--customize-hook=rm -rf " + " ".join(f'"$1"/{path}' for path in REMOVED))
        try:
            done = subprocess.run([*words, SUITE, str(root)], capture_output=True, text=True)
        except FileNotFoundError:
            raise BadSettings(
                f"neither {OFFICIAL} nor mmdebstrap is at hand; on Debian: apt-get install mmdebstrap"
            ) from None
        if done.returncode:
            raise BadSettings(f"{name}: not made by mmdebstrap:\n{last_words(done)}")
        changes = [f"--change=ENV PATH={PATH}", '--change=CMD ["python3"]']
        runner.run("import", "--quiet", *changes, str(root), name)
