"""What doctor says of a WeCom app and of group robots."""

import json
from pathlib import Path

import pytest

from bot.cli.config_file import render
from bot.cli.demo_bot import free_port
from bot.clock import Clock
from bot.simulator.server import serving
from bot.simulator.wecom.connection import serving_connection
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.wecom.people import People
from tests.test_commands import good, process, xueban
from tests.wecom_app import SECRET, SECTION, app_api
from tests.wecom_line import until

KEY = "693a91f6-7aec-4bc4-97a0-0ec2sifa5aaa"
ROBOT = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
Rows = list[dict[str, str]]


def checks(folder: Path, **sections: object) -> Rows:
    """Doctor's rows for a configuration with these sections; none of its secrets is in them."""
    config = folder / "config.toml"
    values = {"storage": {"data_dir": str(folder / "data")}, **sections}
    config.write_text(render(values), encoding="utf-8")
    done = xueban("doctor", "--json", "--config", config, cwd=folder)
    for secret in (SECRET, KEY, str(SECTION["token"]), str(SECTION["encoding_aes_key"])):
        assert secret not in done.stdout + done.stderr
    rows: Rows = json.loads(done.stdout)
    assert all(row["advice"] for row in rows if row["state"] != "ok")
    return rows


def of(rows: Rows, subject: str) -> list[tuple[str, str, str]]:
    return [
        (row["state"], row["finding"], row["advice"]) for row in rows if row["subject"] == subject
    ]


def test_whether_the_app_may_send(tmp_path: Path) -> None:
    api = app_api(Clock())

    def sending(**more: object) -> tuple[str, str]:
        rows = checks(tmp_path, wecom_app={**SECTION, "api_base": base, **more})
        ((state, finding, advice),) = of(rows, "WeCom sending")
        return state, f"{finding} {advice}"

    with serving(api.handle) as base:
        assert sending()[0] == "ok"
        state, said = sending(agent_id=5)
        assert (state, "agent_id and secret" in said) == ("fail", True)
        state, said = sending(corp_id="wwother")
        assert (state, "wecom_app.corp_id" in said) == ("fail", True)
        api.trusted = ("10.0.0.1",)
        state, said = sending()
        assert (state, "企业可信IP" in said, "127.0.0.1" in said) == ("fail", True, True)
        api.trusted, api.closed = None, True
        state, said = sending()
        assert (state, "switched off" in said) == ("fail", True)
        assert sending(secret="") == (
            "warn", "no secret is configured set wecom_app.secret to push messages",
        )  # fmt: skip
    state, said = sending()
    assert (state, "let this machine reach" in said) == ("warn", True)


def test_what_else_is_said_of_the_app(tmp_path: Path) -> None:
    with serving(app_api(Clock()).handle) as base:
        section = {**SECTION, "api_base": base}
        rows = checks(tmp_path, wecom_app=section)
        assert of(rows, "WeCom app")[0][0] == "ok"
        assert of(rows, "clock")[0][0] == "ok"
        assert "no public address" in of(rows, "WeCom callback")[0][1]
        assert of(rows, "channels") == []
        server = {"public_url": "http://127.0.0.1:81"}
        rows = checks(tmp_path, wecom_app=section, server=server)
        assert "80 or 443" in of(rows, "WeCom callback")[0][1]


def test_whom_the_robots_speak_to(tmp_path: Path) -> None:
    robots = [
        {"name": "一班群", "url": ROBOT},
        {"name": "二班群", "url": f"{ROBOT}2", "community": "没有的"},
    ]
    rows = checks(tmp_path, group_robot=robots)
    assert [state for state, *_ in of(rows, "group robot")] == ["ok", "ok"], "nobody knows yet"
    good("init", "--non-interactive", "--force", "--data-dir", tmp_path / "data", cwd=tmp_path)
    rows = checks(tmp_path, group_robot=robots)
    first, second = of(rows, "group robot")
    assert (first[0], "一班群" in first[1]) == ("ok", True)
    assert (second[0], "there is no community 没有的" in second[1]) == ("warn", True)


@pytest.mark.parametrize("url", [f"http://evil.example/?key={KEY}", f"{KEY}", ""])
def test_an_address_that_is_none_is_named_and_not_repeated(tmp_path: Path, url: str) -> None:
    rows = checks(tmp_path, group_robot=[{"name": "一班群", "url": url}])
    assert [row["finding"].split(":")[0] for row in rows] == ["group_robot.0.url"]


@pytest.mark.interop
def test_serve_holds_the_line_and_doctor_says_so(tmp_path: Path) -> None:
    enterprise = Enterprise(Bot(name="学伴", secret="long-secret"), Clock())
    enterprise.add_member("U1")
    enterprise.add_group("G1", "一班", ("U1",))
    with serving_connection(enterprise) as platform:
        section = {"bot_id": enterprise.bot.id, "secret": "long-secret", "ws_url": platform.url}
        ((state, said, _),) = of(checks(tmp_path, wecom_bot=section), "WeCom bot")
        assert (state, said) == ("warn", "the database does not say whether it is connected")
        server = {"port": free_port()}
        values = {"storage": {"data_dir": str(tmp_path / "data")}, "server": server}
        config = tmp_path / "config.toml"
        config.write_text(render({**values, "wecom_bot": section}), encoding="utf-8")
        with process("serve", "--config", config, cwd=tmp_path):
            assert platform.wait_live(30)
            people = People(enterprise, platform)
            assert "打卡" in people.say("U1", "@学伴 帮助", "G1").wait(20).text

            def is_up() -> bool:
                ((_, said, _),) = of(checks(tmp_path, wecom_bot=section), "WeCom bot")
                return said == "its long connection is up"

            # It says so with every tick.
            assert until(is_up, 30)
        assert platform.wait_live(10, live=False)
