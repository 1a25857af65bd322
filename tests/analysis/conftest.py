"""One Chromium for all tests of a module: each page is opened in a context of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .devtools import Browser, started


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as found:
        yield found
