"""From the chat to one's pages: links, sessions, and what keeps others out."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.bootstrap import Application, build
from bot.config import Settings
from bot.domain.person import Role
from bot.services import person
from bot.storage.models import EntryLink, WebSession
from tests.conftest import HandClock
from tests.members import Member, at_once, held, organiser, rows
from tests.pages import Visitor, csrf_in, entered, link_for, served
from tests.platform import enrol


@pytest.fixture
def base(application: Application) -> Iterator[str]:
    with served(application) as url:
        yield url


@pytest.fixture
def chair(application: Application) -> Member:
    return organiser(application, "oCHAIR")


def test_a_link_is_spent_by_its_button_alone(base: str, chair: Member) -> None:
    link = link_for(chair)
    prefetch = Visitor(base)
    for _ in range(3):
        assert "是我，进去" in prefetch.get(link)
    visitor = Visitor(base)
    assert "今日" in visitor.enter(link)
    assert "今日" in visitor.get("/console/")
    assert "链接用过了" in Visitor(base).get(link, 410)


def test_of_two_browsers_at_once_one_comes_in(base: str, chair: Member) -> None:
    link = link_for(chair)
    ready = [Visitor(base) for _ in range(2)]
    for one in ready:
        one.get(link)

    def press(one: Visitor) -> bool:
        token = one.http.get(base + link, timeout=10).text
        if 'name="csrf"' not in token:
            return False
        answer = one.http.post(base + link, data={"csrf": csrf_in(token)}, timeout=10)
        return answer.status_code == 200

    assert sorted(at_once(*(lambda one=one: press(one) for one in ready))) == [False, True]


def test_a_second_use_is_refused_and_the_asker_hears_of_it(
    application: Application, base: str, chair: Member
) -> None:
    link = link_for(chair)
    late = Visitor(base)
    page = late.get(link)
    entered_by = Visitor(base)
    entered_by.enter(link)
    assert "链接用过了" in late.send(link, {"csrf": csrf_in(page)}, status=410)
    assert "有人又点了你用过的网页链接" in chair.say("收件箱")


def test_a_link_lives_ten_minutes_and_only_the_newest(
    base: str, chair: Member, clock: HandClock
) -> None:
    old = link_for(chair)
    new = link_for(chair)
    assert "链接过期了" in Visitor(base).get(old, 410)
    clock.forward(timedelta(minutes=10))
    assert "链接过期了" in Visitor(base).get(new, 410)
    assert "不能用" in Visitor(base).get("/enter/nothing", 404)


def test_a_session_ends_by_itself_by_button_and_from_the_chat(
    application: Application, base: str, chair: Member, clock: HandClock
) -> None:
    visitor = entered(base, chair)
    assert "退出了" in visitor.post("/console/leave", page="/console/")
    visitor.get("/console/", 401)
    visitor, second = entered(base, chair), entered(base, chair)
    assert "打开的 2 个网页都已失效" in chair.say("退出网页")
    visitor.get("/console/", 401)
    second.get("/console/", 401)
    visitor = entered(base, chair)
    clock.forward(timedelta(hours=12))
    visitor.get("/console/", 401)
    assert rows(application, WebSession) == 1


def test_who_loses_the_role_or_asks_for_deletion_is_out_at_once(
    application: Application, base: str, chair: Member, clock: HandClock
) -> None:
    visitor = entered(base, chair)
    with application.database.begin() as session:
        who = person.known(session, chair.message(""))
        assert who
        person.revoke(session, who, 1, Role.ORGANISER, clock.now())
        person.grant(session, who, 1, Role.MEMBER, clock.now())
    assert "不归你管" in visitor.get("/console/", 403)
    visitor.get("/me/")
    chair.say("删除")
    chair.say("确认")
    visitor.get("/me/", 401)


def test_a_member_gets_their_own_pages_and_no_others(application: Application, base: str) -> None:
    enrol(application, "oMEMBER", account="gh_1")
    member = Member(application, "oMEMBER")
    visitor = entered(base, member, "我的主页")
    visitor.get("/me/")
    assert "不归你管" in visitor.get("/console/", 403)
    # What only organisers and mentors have leads a member to their own pages.
    Visitor(base).enter(link_for(member, "后台"))


def test_neither_token_is_kept(application: Application, base: str, chair: Member) -> None:
    link = link_for(chair)
    visitor = Visitor(base)
    visitor.enter(link)
    cookie = visitor.http.cookies["xueban"]
    assert held(application, cookie) == set()
    # The reply is kept for a repeat of the message, with the other texts.
    assert held(application, link.rsplit("/", 1)[1]) <= {"inbox"}
    assert rows(application, EntryLink) == 1


def test_headers_and_cookies_are_strict(base: str, chair: Member) -> None:
    visitor = Visitor(base)
    link = link_for(chair)
    page = visitor.http.get(base + link, timeout=10)
    answer = visitor.http.post(
        base + link, data={"csrf": csrf_in(page.text)}, timeout=10, allow_redirects=False
    )
    cookies = answer.headers["Set-Cookie"]
    assert answer.headers["Location"] == "/console/"
    assert "HttpOnly" in cookies
    assert "SameSite=Strict" in cookies
    shown = visitor.http.get(base + "/console/", timeout=10)
    for one in (page, answer, shown):
        assert "default-src 'none'" in one.headers["Content-Security-Policy"]
        assert one.headers["Cache-Control"] == "no-store"
        assert one.headers["X-Content-Type-Options"] == "nosniff"
        assert one.headers["X-Frame-Options"] == "DENY"


def test_a_form_from_elsewhere_changes_nothing(base: str, chair: Member) -> None:
    visitor = entered(base, chair)
    visitor.send("/console/leave", {}, status=400)
    visitor.send("/console/leave", {"csrf": "0" * 64}, status=400)
    token = csrf_in(visitor.http.get(base + "/console/", timeout=10).text)
    other = {"Sec-Fetch-Site": "cross-site"}
    visitor.send("/console/leave", {"csrf": token}, headers=other, status=400)
    visitor.get("/console/")
    # Somebody else's form cannot sign a visitor in as that somebody.
    stranger = Visitor(base)
    stranger.send(link_for(chair), {"csrf": token}, status=400)


def test_a_session_id_of_somebody_elses_choice_is_worth_nothing(base: str, chair: Member) -> None:
    victim = Visitor(base)
    victim.http.cookies.set("xueban", "chosen-by-another", domain="127.0.0.1", path="/")
    victim.enter(link_for(chair))
    values = [cookie.value for cookie in victim.http.cookies if cookie.name == "xueban"]
    assert values != ["chosen-by-another"]
    attacker = Visitor(base)
    attacker.http.cookies.set("xueban", "chosen-by-another")
    attacker.get("/console/", 401)


def test_too_many_tries_wait(base: str, chair: Member) -> None:
    link = link_for(chair)
    visitor = Visitor(base)
    token = visitor.get(link)
    form = {"csrf": csrf_in(token)}
    for _ in range(30):
        visitor.send("/enter/nothing", form, status=404)
    assert "点得太多了" in visitor.send(link, form, status=429)


@pytest.mark.parametrize(
    ("public_url", "said"),
    [("", "没有填公网地址"), ("http://xueban.example", "不是 https")],
)
def test_without_a_safe_address_the_words_say_why(
    settings: Settings, application: Application, clock: HandClock, public_url: str, said: str
) -> None:
    server = settings.server.model_copy(update={"public_url": public_url})
    built = replace(build(settings.model_copy(update={"server": server}), "web"), clock=clock)
    try:
        enrol(built, "oMEMBER", account="gh_1")
        member = Member(built, "oMEMBER")
        assert said in member.say("我的主页")
        assert said in member.say("后台")
        assert rows(built, EntryLink) == 0
    finally:
        built.database.dispose()
