"""Draws docs/images anew: the sandbox's page as a visitor sees it.

uv run python -m docs.screenshots        (Debian's Chromium and Noto's Chinese fonts are needed)
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import browser, demo

IMAGES = Path(__file__).parent / "images"
# Steps after which the page is drawn, with the tab that stands beside it and the picture's name.
_DRAWN = {
    1: ("ledger", "sandbox-1"), 4: ("raw", "sandbox-4"), 7: ("ledger", "sandbox-group"),
    10: ("clock", "sandbox-8"),
}  # fmt: skip


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
                    tab, name = _DRAWN[number]
                    page.get_by_test_id(f"tab-{tab}").click()
                    if tab == "raw":
                        page.locator("[data-testid^=raw-] summary").first.click()
                    if name == "sandbox-group":
                        draw_group(page, name)
                    else:
                        draw(page, name)
        with browser(390, 844, scale=2) as phone:
            phone.goto(url)
            phone.get_by_test_id("tour-close").click()
            draw(phone, "sandbox-phone")


def draw_group(page: Page, name: str) -> None:
    """Somebody whom the bot does not know checks in in the group: the answer has a card."""
    page.get_by_test_id("tour-close").click()
    page.get_by_test_id("speaker-新同学").click()
    page.get_by_test_id("input").fill("打卡 第一次")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("wecom-card").last).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 960})
    draw(page, name)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_test_id("tour-open").click()


def draw(page: Page, name: str) -> None:
    # Until what moves has come to rest.
    page.wait_for_timeout(1200)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
