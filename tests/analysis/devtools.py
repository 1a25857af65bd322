"""A page in headless Chromium that a test works as people do: real keys and presses, through the
browser's own protocol over a pair of pipes.

    with started(tmp_path) as browser, opened(page, browser, width=390) as tab:
        tab.focus("button")
        tab.press("Enter")
        assert tab.ask("document.title") == "Pressed"
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from .browser import CHROMIUM, DESKTOP

KEYS = {  # name -> code of the key, its number, the text that it types
    "Enter": ("Enter", 13, "\r"),
    " ": ("Space", 32, " "),
    "Tab": ("Tab", 9, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
}
READ, WRITE = 3, 4
"""The descriptors where Chromium looks for its pipes."""
TROUBLE = {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}


@dataclass
class Browser:
    commands: BinaryIO
    answers: BinaryIO
    sent: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    """Of all pages; each tells its session."""

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        self.sent += 1
        message: dict[str, Any] = {"id": self.sent, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.commands.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self.listen()
            if answer.get("id") == self.sent:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def listen(self) -> dict[str, Any]:
        held = bytearray()
        while (letter := self.answers.read(1)) != b"\0":
            assert letter, "the browser has gone"
            held += letter
        answer: dict[str, Any] = json.loads(held)
        if "method" in answer:
            self.events.append(answer)
        return answer


@dataclass(frozen=True)
class Tab:
    browser: Browser
    session: str

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **parameters)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [one for one in self.browser.events if one.get("sessionId") == self.session]

    def wait(self, event: str) -> None:
        while not any(one["method"] == event for one in self.events):
            self.browser.listen()

    def ask(self, expression: str) -> Any:
        """The value of an expression, or of what it promises."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def focus(self, selector: str, number: int = 0) -> None:
        self.ask(f"document.querySelectorAll({json.dumps(selector)})[{number}].focus()")

    def press(self, key: str) -> None:
        code, number, text = KEYS[key]
        same = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        kind = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=kind, text=text, **same)
        self.call("Input.dispatchKeyEvent", type="keyUp", **same)

    def click(self, selector: str, across: float = 0.5, down: float = 0.5) -> None:
        """At a place of the element, as shares of its sides."""
        edge = self.ask(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({behavior: 'instant', block: 'center'});"
            "const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()"
        )
        place = {"x": edge[0] + across * edge[2], "y": edge[1] + down * edge[3]}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def picture(self, target: Path, whole: bool = True) -> None:
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        target.write_bytes(base64.b64decode(shot["data"]))

    @property
    def trouble(self) -> list[str]:
        """Whatever the page or the browser had to say."""
        return [json.dumps(one) for one in self.events if one["method"] in TROUBLE]


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """A browser with its profile in a folder; it is gone afterwards."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    # Through descriptors that no pipe can have got, so that none is closed before it is copied.
    far_in, far_out = (os.dup(one) for one in (theirs_in, theirs_out))
    plumbing = f'exec {READ}<&{far_in} {WRITE}>&{far_out}; exec "$@"'
    given = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
    process = subprocess.Popen(
        ["bash", "-c", plumbing, "bash", str(CHROMIUM), *given, f"--user-data-dir={folder}"],
        pass_fds=(far_in, far_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for one in (theirs_in, theirs_out, far_in, far_out):
        os.close(one)
    try:
        with os.fdopen(ours_out, "wb", 0) as commands, os.fdopen(ours_in, "rb") as answers:
            yield Browser(commands, answers)
    finally:
        process.kill()
        process.wait()


@contextmanager
def opened(
    page: Path, browser: Browser, width: int = DESKTOP, height: int = 900, dark: bool = False
) -> Iterator[Tab]:
    """The page, loaded, at a width of choice, for a reader who knows no other page."""
    context = browser.call("Target.createBrowserContext")["browserContextId"]
    place = {"url": "about:blank", "browserContextId": context}
    target = browser.call("Target.createTarget", **place)["targetId"]
    attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
    tab = Tab(browser, attached["sessionId"])
    for domain in ("Page", "Runtime", "Log"):
        tab.call(f"{domain}.enable")
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    tab.call("Emulation.setDeviceMetricsOverride", **size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    tab.call("Emulation.setEmulatedMedia", features=[scheme])
    try:
        tab.call("Page.navigate", url=page.as_uri())
        tab.wait("Page.loadEventFired")
        yield tab
    finally:
        browser.call("Target.disposeBrowserContext", browserContextId=context)
