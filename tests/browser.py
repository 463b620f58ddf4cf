"""Debian's Chromium, and the demo that it looks at."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from playwright.sync_api import Page, sync_playwright

from bot.bootstrap import demo_clock_file
from bot.cli.demo import staged
from bot.simulator.hand import Hand
from bot.simulator.page import Controls, server_of

CHROMIUM = "/usr/bin/chromium"
# Its own calls home are cut off; as root it has no sandbox.
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-sync",
]


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, Controls]]:
    """The demo as `xueban demo` starts it: the page's address, and what is behind it."""
    with staged(folder, Hand(demo_clock_file(folder))) as controls:
        server = server_of(controls)
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", controls
        finally:
            controls.world.close()
            server.shutdown()
            thread.join()
            server.server_close()


@contextmanager
def browser(
    width: int = 1280, height: int = 800, *, dark: bool = False, scale: float = 1
) -> Iterator[Page]:
    """A new browser with one page. Words of a script's error fail whoever uses it."""
    wrong: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=_OPTIONS)
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            device_scale_factor=scale,
            locale="zh-CN",
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        try:
            yield page
        finally:
            chromium.close()
    assert not wrong, wrong
