"""Exact versions of everything that is installed.

uv run python .ci/pins.py            compare the environment with the pins; exit 1 if it differs
uv run python .ci/pins.py --write    resolve anew and write the pins into pyproject.toml
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = ROOT / "pyproject.toml"
# What builds us, and jieba, which comes as source only.
BUILD = ["hatchling", "setuptools"]
# Tools of the environment itself, which no dependency of ours brings.
_UNPINNED = {"xueban", "pip", "setuptools", "wheel"}


def compare() -> list[str]:
    """One sentence for each installed distribution that is not the pinned one."""
    tool = tomllib.loads(PYPROJECT.read_text())["tool"]["uv"]
    pins: dict[str, set[str]] = {}
    for line in tool["constraint-dependencies"]:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            version = str(requirement.specifier).removeprefix("==")
            pins.setdefault(canonicalize_name(requirement.name), set()).add(version)
    problems = []
    for found in distributions():
        name = canonicalize_name(found.metadata["Name"])
        if name not in _UNPINNED and found.version not in pins.get(name, set()):
            wanted = ", ".join(pins.get(name, {"no pin"}))
            problems.append(f"{name} {found.version} is installed, pinned is {wanted}")
    return problems


def write() -> None:
    """Resolve without the old pins, for every supported Python, and write the new ones."""
    text = re.sub(r"\n\[tool\.uv\]\n.*?(?=\n\[|\Z)", "", PYPROJECT.read_text(), flags=re.S)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text(text)
        (Path(folder) / "README.md").touch()
        (Path(folder) / "LICENSE").touch()
        for package in ("bot", "handlers", "content", "scheduler"):
            (Path(folder) / package).mkdir()
            (Path(folder) / package / "__init__.py").touch()
        base = ["uv", "export", "-q", "--no-hashes", "--no-emit-project", "--no-header",
                "--no-annotate", "--all-groups", "--project", folder]  # fmt: skip
        closure = _lines(subprocess.run(base, check=True, capture_output=True, text=True).stdout)
        compile_build = ["uv", "pip", "compile", "-q", "--no-header", "--no-annotate", "-"]
        build = _lines(
            subprocess.run(
                compile_build, input="\n".join(BUILD), check=True, capture_output=True, text=True
            ).stdout
        )
    pins = "".join(f"    {quoted(line)},\n" for line in closure)
    build_pins = "".join(f"    {quoted(line)},\n" for line in build)
    section = (
        "\n[tool.uv]\n# written by: uv run python .ci/pins.py --write\n"
        f"constraint-dependencies = [\n{pins}]\n"
        f"build-constraint-dependencies = [\n{build_pins}]\n"
    )
    PYPROJECT.write_text(text.rstrip("\n") + "\n" + section)


def _lines(output: str) -> list[str]:
    """`name==version` or `name==version ; marker`, without extras."""
    lines = [line.strip() for line in output.splitlines()]
    return [re.sub(r"\[[^]]*\]", "", line) for line in lines if line and line[0].isalnum()]


def quoted(line: str) -> str:
    return '"' + line.replace('"', "'") + '"'


if __name__ == "__main__":
    if "--write" in sys.argv:
        write()
    elif problems := compare():
        print("\n".join(problems))
        sys.exit(1)
    else:
        print("Installed versions are the pinned ones.")
