"""Machine code that came with an installation, so that nobody's first study waits for a compiler.

An image is built with it, for every processor of its architecture (`NUMBA_CPU_NAME=generic`), and its root
cannot be written. Numba uses no folder that it cannot write to, so it is copied to one at start.
"""

import logging
import os
import shutil
import sys
from pathlib import Path

BUILT = Path(sys.prefix) / "compiled"
"""Where an image's build leaves it (services/*/Dockerfile)."""
FOLDER = "NUMBA_CACHE_DIR"
"""Numba's own variable; the folder is empty when a container starts."""

_log = logging.getLogger(__name__)


def lay_out(built: Path = BUILT) -> None:
    """Copy what the installation holds to where numba looks. Where that fails the code is compiled anew.

    The folder may be there: numba makes it, empty, as soon as a module with compiled functions is imported.
    """
    wanted = os.environ.get(FOLDER)
    if not wanted or not built.is_dir():
        return
    try:
        shutil.copytree(built, wanted, dirs_exist_ok=True)
    except OSError as error:
        _log.warning("the first study will wait for a compiler: %s cannot be filled (%s)", wanted, error)
