"""WeCom on the sandbox's page in a real browser: a group, a card, a stream, a phone, the keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from bot.simulator.office import Office, userid_of
from bot.simulator.page import Controls
from bot.simulator.wecom.replies import Content
from tests.browser import browser, demo

pytestmark = pytest.mark.browser

GROUP = "group-示例支部群"
PNG = b"\x89PNG\r\n\x1a\n0000"
Stage = tuple[str, Controls]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with demo(tmp_path_factory.mktemp("demo")) as found:
        assert office_of(found).wait_live(30)
        yield found


@pytest.fixture
def page(stage: Stage) -> Iterator[Page]:
    with browser() as found:
        found.goto(stage[0])
        found.get_by_test_id("tour-close").click()
        yield found


def office_of(stage: Stage) -> Office:
    assert stage[1].office is not None
    return stage[1].office


def say(page: Page, text: str) -> None:
    page.get_by_test_id("input").fill(text)
    page.keyboard.press("Enter")


def answered(page: Page, words: str) -> None:
    """The newest of the bot's bubbles has these words."""
    expect(page.locator("[data-testid=bubble][data-side=bot]").last).to_contain_text(words)


def test_a_check_in_in_the_group_and_the_same_person_in_private(page: Page) -> None:
    page.get_by_test_id(GROUP).click()
    page.get_by_test_id("speaker-成员02").click()
    expect(page.get_by_test_id("playing")).to_contain_text("成员02")
    say(page, "打卡 读完第二章")
    answered(page, "打卡成功")
    expect(page.get_by_test_id("log")).not_to_contain_text("连续")
    page.get_by_test_id("named").click()
    say(page, "大家晚上好")
    mine = page.locator(".row.me").last
    expect(mine).to_contain_text("大家晚上好")
    page.get_by_test_id("speaker-成员03").click()
    expect(page.locator(".row.other").last).to_contain_text("成员02")
    page.get_by_test_id("tab-raw").click()
    frames = page.locator(".raw-what", has_text="aibot_msg_callback text")
    expect(frames).to_have_count(1)
    page.get_by_test_id("persona-成员02").click()
    say(page, "打卡")
    answered(page, "今天已经打过卡了")
    page.get_by_test_id("side-wecom").click()
    say(page, "我的")
    answered(page, "成员02，「示例研究生党支部」的成员")


def test_a_card_is_tapped(page: Page) -> None:
    page.get_by_test_id(GROUP).click()
    page.get_by_test_id("speaker-新同学").click()
    say(page, "打卡 第一次")
    card = page.get_by_test_id("wecom-card").last
    expect(card).to_contain_text("同意并打卡")
    card.get_by_role("button", name="同意并打卡").click()
    expect(card).to_contain_text("已选：同意并打卡")
    answered(page, "打卡成功")
    page.get_by_test_id("speaker-成员01").click()
    expect(card).not_to_contain_text("已选")


def test_a_stream_grows_where_it_stands_and_a_line_comes_back(page: Page, stage: Stage) -> None:
    office = office_of(stage)
    page.get_by_test_id(GROUP).click()
    before = page.locator("[data-testid=bubble]").count()
    exchange = office.enterprise.begin("message", userid_of("成员01"), office.group, {})
    for text, finish in (("正在查", False), ("正在查，快好了", False), ("查到了", True)):
        office.enterprise.reply(exchange, Content("stream", text, stream="S", finish=finish))
        answered(page, text)
        expect(page.locator(".going")).to_have_count(0 if finish else 1)
        expect(page.locator("[data-testid=bubble]")).to_have_count(before + 1)
    page.get_by_test_id("tab-faults").click()
    page.get_by_test_id("line-refuse").click()
    expect(page.get_by_test_id("line-now")).to_have_text("现在：谁也连不上")
    # It breaks once more, and whoever asks is let in again.
    page.get_by_test_id("line-cut").click()
    expect(page.get_by_test_id("line-now")).to_have_text("现在：通着", timeout=30_000)
    page.get_by_test_id("tab-ledger").click()
    expect(page.get_by_test_id("line-state")).to_have_text("长连接通着")


def test_a_group_on_a_phone(stage: Stage) -> None:
    with browser(390, 844) as phone:
        phone.goto(stage[0])
        phone.get_by_test_id("tour-close").click()
        phone.get_by_test_id("open-people").click()
        phone.get_by_test_id("persona-成员01").click()
        phone.get_by_test_id("side-wecom").click()
        expect(phone.get_by_test_id("account-name")).to_have_text("学伴")
        phone.get_by_test_id("open-people").click()
        phone.get_by_test_id(GROUP).click()
        phone.get_by_test_id("input").fill("打卡 抄书")
        with phone.expect_file_chooser() as chooser:
            phone.get_by_test_id("picture").click()
        chooser.value.set_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
        expect(phone.locator(".row.me").last).to_contain_text("@学伴 打卡 抄书")
        answered(phone, "打")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_group_by_keyboard_alone(page: Page) -> None:
    page.get_by_test_id("persona-新同学").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("account-name")).to_contain_text("示例支部群")
    page.get_by_test_id("speaker-导师").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("speaker-导师")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("input").focus()
    page.keyboard.type("预备期多久")
    page.keyboard.press("Enter")
    answered(page, "依据：")
