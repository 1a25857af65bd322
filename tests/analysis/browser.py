"""A page in headless Chromium, at a width of choice, without a driver: a script runs in the page
and its answer comes back through the DOM.

    seen = look(page, "return document.title", tmp_path, width=375)
    seen.answer, seen.console
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
DESKTOP, PHONE = 1280, 375
DARK = "--blink-settings=preferredColorScheme=0"


@dataclass(frozen=True)
class Seen:
    answer: Any
    console: list[str]
    """Whatever the page or the browser had to say: errors, warnings, logs."""


def look(page: Path, script: str, folder: Path, width: int = DESKTOP, *flags: str) -> Seen:
    """`script` is a function's body; what it returns must fit into JSON.

    The page stands in a frame, since a window cannot be as narrow as a phone."""
    inner, outer = page.with_name("looked-at.html"), folder / "frame.html"
    ask = (
        "<script>addEventListener('load', () => setTimeout(() => {"
        f"let answer; try {{ answer = (() => {{ {script} }})(); }}"
        "catch (error) { console.error(String(error)); answer = String(error); }"
        "parent.postMessage(JSON.stringify(answer), '*');}))</script>"
    )
    inner.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{ask}</body>"))
    outer.write_text(
        "<!DOCTYPE html><html lang='en'><title>frame</title><body><pre id='answer'></pre><script>"
        "addEventListener('message', (event) => {"
        "document.getElementById('answer').textContent = event.data; });</script>"
        f"<iframe style='width:{width}px;height:900px;border:0' src='{inner.as_uri()}'></iframe>"
    )
    given = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    given += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000", *flags]
    done = subprocess.run(
        [str(CHROMIUM), *given, "--dump-dom", outer.as_uri()],
        capture_output=True,
        text=True,
        timeout=240,
    )
    inner.unlink()
    assert done.returncode == 0, done.stderr
    found = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr
    assert found[1], f"the page gave no answer: {done.stderr}"
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Seen(json.loads(html.unescape(found[1])), console)
