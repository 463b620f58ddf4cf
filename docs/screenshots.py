"""Draws docs/images anew: the sandbox's page as a visitor sees it.

uv run python -m docs.screenshots        (Debian's Chromium and Noto's Chinese fonts are needed)
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import browser, demo

IMAGES = Path(__file__).parent / "images"
# Steps after which the page is drawn, with the tab that stands beside it.
_DRAWN = {1: "ledger", 4: "raw", 10: "clock"}


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder)) as (url, controls):
        steps = controls.tour.steps if controls.tour else ()
        with browser(1280, 800) as page:
            page.goto(url)
            for number, step in enumerate(steps, start=1):
                page.get_by_test_id("tour-next").click()
                said = page.get_by_test_id("tour-said")
                expect(said).to_contain_text(step.done, timeout=40_000)
                if number in _DRAWN:
                    page.get_by_test_id(f"tab-{_DRAWN[number]}").click()
                    if _DRAWN[number] == "raw":
                        page.locator("[data-testid^=raw-] summary").first.click()
                    draw(page, f"sandbox-{_DRAWN[number]}")
        with browser(390, 844, scale=2) as phone:
            phone.goto(url)
            phone.get_by_test_id("tour-close").click()
            draw(phone, "sandbox-phone")


def draw(page: Page, name: str) -> None:
    # Until what moves has come to rest.
    page.wait_for_timeout(1200)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
