"""Node processes with packages from npm."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import requests

SCRIPTS = Path(__file__).parent


@contextmanager
def installed() -> Iterator[Path]:
    """node_modules with what package.json pins, gone afterwards; npm's own words when it fails."""
    with tempfile.TemporaryDirectory(prefix="xueban-npm-") as folder:
        shutil.copy(SCRIPTS / "package.json", folder)
        options = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
        done = subprocess.run(
            ["npm", "install", *options], cwd=folder, capture_output=True, text=True, timeout=300
        )
        if done.returncode:
            pytest.fail(f"npm install failed:\n{done.stdout}{done.stderr}", pytrace=False)
        yield Path(folder) / "node_modules"


@contextmanager
def node(script: str, packages: Path, argument: object) -> Iterator[str]:
    """A node process that has said "ready PORT"; yields its base URL. It gets the argument as
    JSON, ends with its standard input even when we are killed, and is gone afterwards.
    """
    with subprocess.Popen(
        ["node", "--no-deprecation", str(SCRIPTS / script), json.dumps(argument)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NODE_PATH": str(packages)},
    ) as process:
        watch = Timer(30, process.kill)
        watch.start()
        try:
            line = process.stdout.readline() if process.stdout else ""
            watch.cancel()
            word, _, port = line.partition(" ")
            assert word == "ready", f"{script} said {line!r} and is not ready"
            yield f"http://127.0.0.1:{int(port)}"
        finally:
            watch.cancel()
            process.kill()


def asked(url: str, job: object) -> Any:
    """What a node process answers to a POST of JSON."""
    with requests.Session() as session:
        session.trust_env = False
        response = session.post(url, json=job, timeout=20)
    response.raise_for_status()
    return response.json()
