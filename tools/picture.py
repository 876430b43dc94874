"""Draws the pictures of the README from a real run of the demo: `.venv/bin/python tools/picture.py`.

The terminal's text is what the program printed; only the frame around it is drawn here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH = 84
IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
PLAYED = ("unknown-flag", "memory-limit-lowered", "service-selector-changed", "unmanaged-namespace")
_NORMAL = [(0, 0, 0), (138, 32, 18), (16, 104, 74), (160, 90, 12), (0, 103, 210), (89, 10, 129), (0, 103, 140)]
LIGHT = TerminalTheme((255, 255, 255), (26, 29, 33), [*_NORMAL, (82, 92, 104)])
_BRIGHT = [
    (20, 23, 27),
    (247, 100, 74),
    (50, 181, 134),
    (250, 202, 99),
    (165, 192, 254),
    (162, 131, 248),
    (120, 200, 220),
]
DARK = TerminalTheme((20, 23, 27), (230, 233, 238), [*_BRIGHT, (182, 185, 192)])
# Rich's own frame loads a font from elsewhere; this one takes the reader's.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Runs the demo once and writes both pictures."""
    names = sys.argv[1:] or PLAYED
    command = [str(Path(sys.executable).with_name("kubernaut")), "demo", "--once", "--port", "0", "--color", "always"]
    for name in names:
        command += ["--scenario", name]
    code, text = shown(command)
    if code:
        sys.exit(f"the demo ended with {code}; no picture was drawn\n{text}")
    for name, theme in (("demo-light", LIGHT), ("demo-dark", DARK)):
        target = IMAGES / f"{name}.svg"
        target.write_text(drawn(text, theme), encoding="utf-8")
        print(f"wrote {target.relative_to(IMAGES.parents[1])}")


def shown(command: list[str]) -> tuple[int, str]:
    """What the command shows on a terminal of 80 columns, without the moving progress line (TERM=dumb)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 80, 0, 0))
    environment = {**os.environ, "TERM": "dumb"} | {"COLUMNS": "80"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        chunks = []
        # Linux ends the reading side with an error once the program has gone.
        with contextlib.suppress(OSError):
            while chunk := os.read(ours, 65_536):
                chunks.append(chunk)
        os.close(ours)
    return process.returncode, b"".join(chunks).decode()


def drawn(text: str, theme: TerminalTheme) -> str:
    """The text as a picture."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    for line in ["$ kubernaut demo", *text.splitlines()]:
        console.print(Text.from_ansi(line), soft_wrap=False)
    return console.export_svg(title="kubernaut demo", theme=theme, code_format=FORMAT, unique_id="demo")


if __name__ == "__main__":
    main()
