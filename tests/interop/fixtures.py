"""The node process that the interop tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.processes import installed, node
from tests.platform import AES_KEY, APP_ID, TOKEN

CREDENTIALS = {"token": TOKEN, "appid": APP_ID, "key": AES_KEY}


@pytest.fixture(scope="session")
def packages() -> Iterator[Path]:
    """node_modules with everything of package.json."""
    with installed() as folder:
        yield folder


@pytest.fixture(scope="session")
def peers(packages: Path) -> Iterator[str]:
    """The base URL of peers.js."""
    with node("peers.js", packages, CREDENTIALS) as base:
        yield base
