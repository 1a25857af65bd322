"""A local server of one folder, which can be told to misbehave in the ways that networks do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Web:
    """What is served, how it fails, and what was asked for."""

    folder: Path
    url: str = ""
    break_after: list[int] = field(default_factory=list)
    """Bytes after which the next answers break off; when the list is empty, all goes well."""
    ranges: bool = True
    answers: list[int] = field(default_factory=list)
    """Status codes with which the next requests fail."""
    asked: list[str | None] = field(default_factory=list)
    """The Range header of every request."""


@contextmanager
def serve(folder: Path) -> Iterator[Web]:
    web = Web(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            web.asked.append(wanted)
            path = web.folder / self.path.lstrip("/")
            if web.answers or not path.is_file():
                self.send_error(web.answers.pop(0) if web.answers else 404)
                return
            content = path.read_bytes()
            start = int(wanted[6:-1]) if wanted and web.ranges else 0
            if start >= len(content) > 0:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = start + web.break_after.pop(0) if web.break_after else len(content)
            self.wfile.write(content[start:end])

        def log_message(self, *arguments: object) -> None:
            """Quiet: the test's own output is what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
