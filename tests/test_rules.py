"""Rules as properties: pages, streaks, days."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.check_in import NOTE_LIMIT, day_of, joined_note, streak
from bot.domain.messages import Link, Media, Notice, Option
from bot.domain.paging import as_text, page, pages

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=900)
MORE = "回复 9 看下一页（{page}/{pages}）"
NOTICES = st.builds(
    Notice,
    kind=st.just("t"),
    title=TEXT,
    lines=st.lists(TEXT, max_size=6).map(tuple),
    source=TEXT,
    link=st.none() | st.builds(Link, TEXT, TEXT),
    options=st.lists(st.builds(Option, TEXT, TEXT), max_size=3).map(tuple),
)


@given(NOTICES, st.integers(300, 2048))
def test_pages_fit_and_lose_nothing(notice: Notice, limit: int) -> None:
    texts = pages(notice, limit, MORE)

    assert all(len(text.encode()) <= limit for text in texts)
    kept = "".join(text for text in as_text(notice) if text != "\n")
    shown = "".join(texts).replace("\n", "")
    position = -1
    for character in kept:
        position = shown.find(character, position + 1)
        assert position >= 0
    assert page(notice, len(texts) + 5, limit, MORE) == texts[-1]


def test_a_page_ends_with_a_sentence_where_it_can() -> None:
    notice = Notice("t", lines=("一二三四五六七八九十。" * 30,), source="依据：第五条")
    first = pages(notice, 300, MORE)[0]
    assert first.split("\n")[0].endswith("。")
    assert first.split("\n")[1:] == ["依据：第五条", "回复 9 看下一页（1/5）"]


@given(NOTICES)
def test_a_notice_comes_back_from_json(notice: Notice) -> None:
    assert Notice.from_json(notice.to_json()) == notice


def test_a_notice_with_media_comes_back_and_another_version_does_not() -> None:
    notice = Notice("t", media=Media("image", "m"))
    assert Notice.from_json(notice.to_json()) == notice
    with pytest.raises(ValueError, match="version"):
        Notice.from_json(notice.to_json().replace('"version": 1', '"version": 2'))


@given(st.sets(st.integers(0, 60)), st.integers(0, 60))
def test_a_streak_is_the_days_in_a_row_up_to_today(offsets: set[int], today: int) -> None:
    first = date(2026, 1, 1)
    days = sorted((first + timedelta(days=n) for n in offsets), reverse=True)
    expected = 0
    while today - expected in offsets:
        expected += 1

    assert streak(days, first + timedelta(days=today)) == expected


@pytest.mark.parametrize(
    ("sent", "zone", "day"),
    [
        ("2026-11-23T15:59:59", "Asia/Shanghai", "2026-11-23"),
        ("2026-11-23T16:00:00", "Asia/Shanghai", "2026-11-24"),
        ("2026-03-29T00:30:00", "Europe/Berlin", "2026-03-29"),
        ("2026-12-31T16:00:00", "Asia/Shanghai", "2027-01-01"),
        ("2028-02-28T16:00:00", "Asia/Shanghai", "2028-02-29"),
    ],
)
def test_the_day_begins_at_midnight_of_the_zone(sent: str, zone: str, day: str) -> None:
    assert day_of(datetime.fromisoformat(sent).replace(tzinfo=UTC), zone).isoformat() == day


@given(TEXT, TEXT)
def test_notes_are_joined_once(old: str, new: str) -> None:
    old = old.strip()[:NOTE_LIMIT]
    joined = joined_note(old, new)
    assert len(joined) <= NOTE_LIMIT
    assert joined.startswith(old.strip()[:NOTE_LIMIT]) or not old
    assert joined_note(joined, "") == joined
