"""Retention and rights: every table is in the registry, and deleted is gone everywhere."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import String, cast, select, text

from bot.bootstrap import Application, default_community, tick_once
from bot.cli.play import prepare
from bot.services import personal_data, registry
from bot.simulator.official_account import Platform
from bot.simulator.world import openid_of
from bot.storage import backup
from bot.storage.maintenance import checkpoint
from bot.storage.models import Base, Person
from content.schema_play import Dialogue, RosterLine, Turn
from scheduler.tick import apply_deletions
from tests.conftest import HandClock
from tests.platform import platform_of, serving

SECRET = "南山雪夜"
NUMBER = "X20260077"
WHO = "要删除的人"


def test_every_table_is_in_the_registry() -> None:
    named = [rule.model.__tablename__ for rule in registry.TABLES]
    assert sorted(named) == sorted(Base.metadata.tables)
    for rule in registry.TABLES:
        assert rule.title
        assert rule.purpose
        assert rule.retention
        columns = set(rule.model.__table__.c.keys())
        assert {*rule.shown, *rule.unlink} <= columns


def test_every_reference_to_a_person_has_a_rule() -> None:
    for rule in registry.TABLES:
        refers = [
            column.name
            for column in rule.model.__table__.c
            if any(key.column.table.name == "person" for key in column.foreign_keys)
        ]
        if refers:
            assert rule.mine is not None, rule.model.__tablename__


def test_rows_go_in_an_order_that_no_reference_forbids() -> None:
    order = [rule.model.__tablename__ for rule in registry.TABLES if rule.mine and not rule.unlink]
    for rule in registry.TABLES:
        if rule.mine is None or rule.unlink:
            continue
        for column in rule.model.__table__.c:
            for key in column.foreign_keys:
                if key.ondelete == "CASCADE":
                    continue
                other = key.column.table.name
                if other in order and other != rule.model.__tablename__:
                    assert order.index(rule.model.__tablename__) < order.index(other)


def live_a_life(application: Application, clock: HandClock, platform: Platform) -> None:
    """Somebody who leaves a trace in every table that is about people."""
    dialogue = Dialogue(
        title="t", codes={"CODE": "organiser"}, turns=(Turn(at="+1d"),),
        roster=(RosterLine(name=SECRET, number=NUMBER), RosterLine(name="别人", number="Y1")),
    )  # fmt: skip
    names = prepare(
        application.database, dialogue, default_community(application.settings), clock.now()
    )

    def say(who: str, *texts: str) -> str:
        said = [platform.text(openid_of(who), words).text for words in texts]
        assert "出错" not in "".join(said)
        return said[-1]

    say("支书", f"绑定 {names['CODE']}", "1")
    say("支书", "开会 12月5日 19:00 302 党课", "确认", "发通知 交材料", "确认")
    say(WHO, f"绑定 {SECRET} {NUMBER}", "1")
    say("支书", "同意 1")
    say(WHO, f"打卡 {SECRET}的笔记", "退订 会议", "退订", "会议")
    with application.database.begin() as session:
        session.execute(text("UPDATE membership SET role = 'organiser' WHERE role = 'member'"))
    say(WHO, f"发通知 {SECRET}通知大家", "确认", "开会 12月6日 19:00 303 支委会", "确认")


def trace(application: Application) -> set[str]:
    """Tables that hold the openid, the name, the number or the note anywhere."""
    wanted = (openid_of(WHO), SECRET, NUMBER)
    found = set()
    with application.database.read() as session:
        for table in Base.metadata.tables.values():
            for column in table.c:
                if any(
                    session.execute(
                        select(column).where(cast(column, String).contains(word)).limit(1)
                    ).first()
                    for word in wanted
                ):
                    found.add(table.name)
    return found


@pytest.fixture
def lived(application: Application, clock: HandClock) -> Application:
    with serving(application) as callback:
        live_a_life(application, clock, platform_of(application, callback))
    return application


def test_deleted_is_gone_from_every_table_and_file(
    lived: Application, clock: HandClock, tmp_path: Path
) -> None:
    assert trace(lived) >= {"inbox", "address", "person", "roster_entry", "check_in", "delivery"}
    with serving(lived) as callback:
        platform = platform_of(lived, callback)
        assert "要删除你的全部资料" in platform.text(openid_of(WHO), "删除").text
        assert "已经隐藏" in platform.text(openid_of(WHO), "确认").text
        assert "别人" not in platform.text(openid_of("支书"), "待办").text

    clock.forward(timedelta(days=13, hours=23))
    tick_once(lived)
    assert trace(lived) >= {"person", "check_in"}
    clock.forward(timedelta(hours=2))
    tick_once(lived)

    # What they had announced as an organiser is the organisation's; nothing else is left.
    with lived.database.begin() as session:
        session.execute(text("DELETE FROM delivery WHERE topic = 'announcement'"))
        session.execute(text("DELETE FROM announcement"))
    assert trace(lived) == set()
    if lived.database.dialect == "sqlite":
        checkpoint(lived.database.engine, whole=True)
        lived.database.dispose()
        for file in tmp_path.rglob("*"):
            content = file.read_bytes() if file.is_file() else b""
            for word in (openid_of(WHO), SECRET, NUMBER):
                assert word.encode() not in content, file
    assert "addresses" in (tmp_path / "deletions.jsonl").read_text()


def test_a_restored_backup_deletes_again(
    lived: Application, clock: HandClock, tmp_path: Path
) -> None:
    file = tmp_path / "kept.backup"
    backup.backup(lived.database.engine, file)
    with serving(lived) as callback:
        platform = platform_of(lived, callback)
        platform.text(openid_of(WHO), "删除")
        platform.text(openid_of(WHO), "确认")
    clock.forward(timedelta(days=15))
    tick_once(lived)
    backup.restore(lived.database.engine, file)
    assert "check_in" in trace(lived)

    assert apply_deletions(lived.database, clock.now(), tmp_path) == 1
    assert "check_in" not in trace(lived)
    assert "person" not in trace(lived)
    assert apply_deletions(lived.database, clock.now(), tmp_path) == 0


def test_who_came_back_outlives_a_restore(
    lived: Application, clock: HandClock, tmp_path: Path
) -> None:
    with serving(lived) as callback:
        platform = platform_of(lived, callback)
        for words in ("删除", "确认"):
            platform.text(openid_of(WHO), words)
        clock.forward(timedelta(days=3))
        for words in ("打卡 新的开始", "2"):
            platform.text(openid_of(WHO), words)
        clock.forward(timedelta(days=13))
        tick_once(lived)
        file = tmp_path / "kept.backup"
        backup.backup(lived.database.engine, file)
        backup.restore(lived.database.engine, file)
        assert apply_deletions(lived.database, clock.now(), tmp_path) == 0
        assert "新的开始" in platform.text(openid_of(WHO), "导出").text


def test_a_wish_that_is_not_due_survives_a_restore(
    lived: Application, clock: HandClock, tmp_path: Path
) -> None:
    file = tmp_path / "kept.backup"
    backup.backup(lived.database.engine, file)
    with serving(lived) as callback:
        platform = platform_of(lived, callback)
        platform.text(openid_of(WHO), "删除")
        platform.text(openid_of(WHO), "确认")
        tick_once(lived)
        backup.restore(lived.database.engine, file)
        assert apply_deletions(lived.database, clock.now(), tmp_path) == 1
        assert "要先绑定" in platform.text(openid_of(WHO), "我的").text
        assert "恢复了" in platform.text(openid_of(WHO), "撤销").text
        tick_once(lived)
        backup.restore(lived.database.engine, file)
        assert apply_deletions(lived.database, clock.now(), tmp_path) == 0


def test_unfollowing_forgets_the_address_at_once_and_the_record_later(
    lived: Application, clock: HandClock
) -> None:
    with serving(lived) as callback:
        platform_of(lived, callback).event(openid_of(WHO), "unsubscribe")
    assert "address" not in trace(lived)
    with lived.database.read() as session:
        person_id = session.scalars(select(Person.id).where(Person.name == SECRET)).one()
        open_now = session.execute(
            text(
                "SELECT count(*) FROM delivery WHERE person_id = :id AND state IN ('held', 'shown')"
            ),
            {"id": person_id},
        ).scalar()
    assert open_now == 0
    clock.forward(timedelta(days=14, minutes=1))
    tick_once(lived)
    assert not trace(lived) & {"person", "check_in", "roster_entry", "membership"}


def test_an_export_holds_every_table_with_something_to_show(lived: Application) -> None:
    with lived.database.read() as session:
        person_id = session.scalars(select(Person.id).where(Person.name == SECRET)).one()
        exported = dict(personal_data.export(session, person_id, "Asia/Shanghai"))
        kept = {item.title: item.rows for item in personal_data.overview(session, person_id)}
    shown = {rule.title for rule in registry.TABLES if rule.shown and rule.mine}
    assert set(exported) == shown & set(kept)
    for title, lines in exported.items():
        assert len(lines) == kept[title]
    assert f"{SECRET}的笔记" in "".join(exported["打卡"])


def test_old_backups_of_ours_are_removed(application: Application, clock: HandClock) -> None:
    folder = backup.folder_of(application.settings.storage.data_dir)
    folder.mkdir()
    file = folder / "x.backup"
    file.write_text("x")
    assert (
        backup.remove_old(application.settings.storage.data_dir, clock.now() - timedelta(days=900))
        == 0
    )
    assert (
        backup.remove_old(application.settings.storage.data_dir, clock.now() + timedelta(days=900))
        == 1
    )
    assert not file.exists()
