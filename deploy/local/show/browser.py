"""Pictures of web pages, taken by a real browser: Debian's Chromium without a window."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.machine.process import NotReady

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SETTLE_MILLISECONDS = 8000
"""For pages that ask for their data by themselves."""
SECONDS = 180.0


def shoot(url: str, path: Path, *, width: int = 1100, height: int = 620) -> None:
    """Write what the browser shows of a page, as PNG in few colours.

    Raises:
        NotReady: there is no Chromium, or it made no picture.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise NotReady(
            "Chromium is not on the PATH, so there are no pictures (Debian: apt-get install chromium)"
        )
    with tempfile.TemporaryDirectory() as fresh:
        command = [
            program,
            *FLAGS,
            f"--user-data-dir={fresh}",
            f"--window-size={width},{height}",
            f"--virtual-time-budget={SETTLE_MILLISECONDS}",
            f"--screenshot={path}",
            url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if not path.is_file():
        raise NotReady(f"Chromium made no picture of {url}:\n{done.stderr[-1000:]}")
    in_few_colours(path)


def in_few_colours(path: Path, colours: int = 64) -> None:
    """Make a PNG small: pages and diagrams have few colours."""
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
