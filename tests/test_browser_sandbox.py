"""The sandbox in a real browser: its tour, its people, the clock, a fault, a phone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from bot.clock import elapsed
from bot.simulator.page import Controls
from bot.simulator.world import openid_of
from tests.browser import browser, demo

pytestmark = pytest.mark.browser

Stage = tuple[str, Controls]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with demo(tmp_path_factory.mktemp("demo")) as found:
        yield found


@pytest.fixture
def page(stage: Stage) -> Iterator[Page]:
    with browser() as found:
        found.goto(stage[0])
        yield found


def choose(page: Page, name: str) -> None:
    page.get_by_test_id(f"persona-{name}").click()
    expect(page.get_by_test_id("playing")).to_contain_text(name)


def say(page: Page, text: str) -> None:
    page.get_by_test_id("input").fill(text)
    page.keyboard.press("Enter")


def answered(page: Page, words: str) -> None:
    """The newest of the bot's bubbles has these words."""
    expect(page.locator("[data-testid=bubble][data-side=bot]").last).to_contain_text(words)


def until(page: Page, happened: Callable[[], bool]) -> None:
    deadline = elapsed() + 60
    while not happened():
        assert elapsed() < deadline
        page.wait_for_timeout(50)


def without_tour(page: Page) -> None:
    page.get_by_test_id("tour-close").click()
    expect(page.get_by_test_id("tour")).to_be_hidden()


def test_the_tour_is_ten_clicks(page: Page, stage: Stage) -> None:
    steps = stage[1].tour
    assert steps is not None
    assert len(steps.steps) == 10
    for number, step in enumerate(steps.steps, start=1):
        expect(page.get_by_test_id("tour")).to_contain_text(step.title)
        page.get_by_test_id("tour-next").click()
        expect(page.get_by_test_id("tour-said")).to_contain_text(step.done, timeout=40_000)
        assert page.get_by_test_id(f"tour-step-{number}").count()
    answered(page, "榜样的力量")
    expect(page.get_by_test_id("tour")).to_contain_text("都看过了")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("成员01", "我的", "成员01，「示例研究生党支部」的成员"),
        ("成员02", "帮助", "打卡"),
        ("成员03", "我的", "成员03，「示例研究生党支部」的成员"),
        ("导师", "待答", "出国交换期间怎么参加组织生活"),
        ("支书", "安排", "学习卡"),
    ],
)
def test_everybody_can_be_played(page: Page, name: str, text: str, words: str) -> None:
    without_tour(page)
    choose(page, name)
    say(page, text)
    answered(page, words)


def test_a_newcomer_follows_and_is_greeted(page: Page) -> None:
    without_tour(page)
    choose(page, "新同学")
    page.get_by_test_id("follow").first.click()
    answered(page, "你好，我是学伴")
    say(page, "打卡 第一次")
    answered(page, "要先记住你")


def test_the_clock_moves_bot_and_sandbox_together(page: Page, stage: Stage) -> None:
    without_tour(page)
    before = stage[1].hand.clock.now()
    page.get_by_test_id("tab-clock").click()
    page.get_by_test_id("clock-morning").click()
    expect(page.get_by_test_id("clock-now")).to_contain_text("08:0")
    assert stage[1].hand.clock.now() > before
    choose(page, "成员03")
    say(page, "打卡 新的一天")
    today = stage[1].hand.clock.now()
    answered(page, f"打卡成功，{today.month}月{(today.day)}日")


def test_a_fault_is_seen_and_survived(page: Page, stage: Stage) -> None:
    """The platform is out of order while a mentor is told; once it works the message comes."""
    without_tour(page)
    choose(page, "导师")
    say(page, "帮助")
    page.get_by_test_id("tab-faults").click()
    world = stage[1].world
    page.get_by_test_id("fault-busy").fill("100")
    until(page, lambda: world.api.faults.busy == 1)
    choose(page, "成员02")
    say(page, "提问 党旗是什么颜色的")
    answered(page, "1 署名")
    say(page, "1")
    answered(page, "已转给导师")
    mentor = openid_of("导师")
    until(page, lambda: any(row.get("fault") == "busy" for row in world.raw(mentor)))
    choose(page, "导师")
    pushes = page.locator("[data-testid=bubble][data-via=push]")
    told = pushes.count()
    page.get_by_test_id("faults-off").click()
    expect(pushes).to_have_count(told + 1, timeout=60_000)
    expect(pushes.last).to_contain_text("有新的提问")
    assert world.api.faults.busy == 0


def test_what_people_are_called_stays_text(page: Page, stage: Stage) -> None:
    without_tour(page)
    evil = "<img src=x>"
    page.get_by_test_id("persona-add").click()
    page.get_by_test_id("persona-name").fill(evil)
    page.get_by_test_id("persona-save").click()
    expect(page.get_by_test_id(f"persona-{evil}")).to_be_visible()
    stage[1].world.note("<b>粗</b><script>1</script>", openid_of(evil))
    page.get_by_test_id(f"persona-{evil}").click()
    expect(page.get_by_test_id("log")).to_contain_text("<b>粗</b><script>1</script>")
    assert page.locator("img[src=x]").count() == 0


def test_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_test_id("tour-close").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("persona-成员01").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("playing")).to_contain_text("成员02")
    page.get_by_test_id("input").focus()
    page.keyboard.type("帮助")
    page.keyboard.press("Enter")
    answered(page, "打卡")


def test_on_a_phone(stage: Stage) -> None:
    with browser(390, 844) as phone:
        phone.goto(stage[0])
        without_tour(phone)
        phone.get_by_test_id("open-people").click()
        choose(phone, "成员03")
        say(phone, "我的")
        answered(phone, "成员03，「示例研究生党支部」的成员")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        phone.get_by_test_id("open-panel").click()
        phone.get_by_test_id("tab-account").click()
        expect(phone.get_by_test_id("profile-service-true")).to_be_visible()
