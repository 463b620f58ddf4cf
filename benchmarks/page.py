"""The sandbox's page: what it weighs, how soon the demo is up, and how soon a push is seen.

uv run python -m benchmarks.page [--pushes 30]

In Debian's Chromium, over real HTTP: the time from a push reaching the platform until its words
stand in the chat, by the browser's clock (which is this machine's).
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page
from rich.console import Console

from benchmarks import facts
from bot import logs
from bot.clock import Clock, elapsed
from bot.simulator.ledger import Sent
from bot.simulator.page import Controls
from bot.simulator.world import openid_of
from tests.browser import browser, demo

_WHO = openid_of("成员01")
_WATCH = """() => {
  const log = document.querySelector("[data-testid=log]");
  window.seen = {};
  new MutationObserver(() => {
    for (const found of log.textContent.matchAll(/push-\\d+-/g))
      window.seen[found[0]] ??= Date.now();
  }).observe(log, {childList: true, subtree: true});
}"""


def weight(page: Page, url: str) -> int:
    """Bytes of everything that the page loads of its own."""
    sizes: list[int] = []

    def add(response: Any) -> None:
        if "/api/" not in response.url:
            sizes.append(len(response.body()))

    page.on("response", add)
    page.goto(url)
    page.wait_for_load_state("load")
    page.wait_for_timeout(500)
    return sum(sizes)


def seen_after(page: Page, controls: Controls, pushes: int) -> list[float]:
    """Milliseconds for each push."""
    page.evaluate(_WATCH)
    sent: dict[str, float] = {}
    for number in range(pushes):
        words = f"push-{number}-"
        body = {"touser": _WHO, "msgtype": "text", "text": {"content": words}}
        sent[words] = Clock().now().timestamp() * 1000
        controls.world.delivered(Sent(_WHO, "", body, controls.world.clock.now()))
        page.wait_for_timeout(100)
    seen = page.evaluate("() => window.seen")
    return [seen[words] - at for words, at in sent.items()]


def until_ready() -> float:
    """Seconds from `xueban demo` to its READY."""
    begun = elapsed()
    command = [sys.executable, "-m", "bot", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = elapsed() - begun
        process.terminate()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pushes", type=int, default=30)
    options = parser.parse_args()
    logs.configure("ERROR", "json")
    console = Console(width=120, highlight=False)
    with tempfile.TemporaryDirectory(prefix="xueban-bench-") as name:
        for line in facts.lines(Path(name)):
            console.print(line)
        starts = sorted(until_ready() for _ in range(3))
        console.print("demo is ready after", ", ".join(f"{value:.1f} s" for value in starts))
        with demo(Path(name)) as (url, controls), browser() as page:
            console.print(f"the page weighs {weight(page, url) / 1024:.0f} KiB")
            times = sorted(seen_after(page, controls, options.pushes))
    console.print(
        f"a push is seen after {median(times):.0f} ms (median), {times[-1]:.0f} ms (longest)"
    )


if __name__ == "__main__":
    main()
