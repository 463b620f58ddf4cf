"""Uploaded files: kept by what they hold, shown to whoever has the link, chosen as a video."""

import io
import json
from collections.abc import Iterator
from contextlib import chdir
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.bootstrap import Application, build, prepare_database
from bot.cli import main
from bot.cli.config_file import render
from bot.config import load_settings
from bot.domain.video import Draft
from bot.errors import FileRefused
from bot.files import Files, type_of
from bot.services import community, files, video
from bot.storage.models import StoredFile, Video
from bot.web.app import create_app
from tests.members import organiser
from tests.platform import AES_KEY, APP_ID, TOKEN

MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(range(256)) * 8
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (MP4, "video/mp4"), (b"%PDF-1.7\n", "application/pdf"), (PNG, "image/png"), (b"\xff\xd8\xff\xe0JFIF", "image/jpeg"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", None), (b"<html><script>", None), (b"GIF89a", None),
        (b"MZ\x90\x00", None), (b"PK\x03\x04", None), (b"", None), (b"\x00" * 64, None), (b"ftyp", None),
    ],
)  # fmt: skip
def test_the_type_is_what_the_bytes_say(head: bytes, content_type: str | None) -> None:
    assert type_of(head[:64]) == content_type


def test_bytes_are_kept_once_and_whole_or_not_at_all(tmp_path: Path) -> None:
    kept = Files(tmp_path / "files", limit=4096)
    one, two = kept.keep(io.BytesIO(MP4)), kept.keep(io.BytesIO(MP4))
    assert one == two
    assert one.size == len(MP4)
    path = kept.path(one.sha256)
    assert path is not None
    assert path.read_bytes() == MP4
    with pytest.raises(FileRefused, match="larger than"):
        kept.keep(io.BytesIO(MP4 * 3))
    with pytest.raises(FileRefused, match="no MP4"):
        kept.keep(io.BytesIO(b""))
    assert [file.name for file in (tmp_path / "files").iterdir()] == [one.sha256]


@pytest.mark.parametrize(
    "name", ["", "..", "../xueban.db", "/etc/passwd", "a" * 63, "A" * 64, f"{'a' * 64}\n"]
)
def test_no_other_file_has_a_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "xueban.db").write_bytes(b"secret")
    folder = tmp_path / "files"
    folder.mkdir()
    assert Files(folder).path(name) is None


@pytest.fixture
def client(application: Application) -> Iterator[FlaskClient]:
    with create_app(application).test_client() as client:
        yield client


def stored(application: Application, content: bytes, name: str = "榜样 1.mp4") -> str:
    kept = Files(application.settings.storage.data_dir / "files").keep(io.BytesIO(content))
    with application.database.begin() as session:
        return files.add(session, 1, name, kept, None, application.clock.now()).token


def test_whoever_has_the_link_gets_the_bytes(application: Application, client: FlaskClient) -> None:
    token = stored(application, MP4)
    assert len(token) == 32
    answer = client.get(f"/files/{token}", buffered=True)
    assert answer.data == MP4
    assert answer.content_type == "video/mp4"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "private" in answer.headers["Cache-Control"]
    assert "public" not in answer.headers["Cache-Control"]
    again = client.get(
        f"/files/{token}", headers={"If-None-Match": answer.headers["ETag"]}, buffered=True
    )
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(f"/files/{token}", buffered=True)
    assert (head.headers["Content-Length"], head.data) == (str(len(MP4)), b"")


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [("bytes=0-1", 206, 0, 2), ("bytes=100-199", 206, 100, 200), ("bytes=-10", 206, -10, None), ("bytes=2000-", 206, 2000, None)],
)  # fmt: skip
def test_a_player_gets_the_part_that_it_asks_for(
    application: Application,
    client: FlaskClient,
    asked: str,
    status: int,
    begin: int,
    end: int | None,
) -> None:
    answer = client.get(
        f"/files/{stored(application, MP4)}", headers={"Range": asked}, buffered=True
    )
    assert answer.status_code == status
    assert answer.data == MP4[begin:end]
    assert answer.headers["Content-Range"].endswith(f"/{len(MP4)}")


def test_a_range_beyond_the_end_is_refused(application: Application, client: FlaskClient) -> None:
    answer = client.get(
        f"/files/{stored(application, MP4)}", headers={"Range": "bytes=999999-"}, buffered=True
    )
    assert answer.status_code == 416


@pytest.mark.parametrize(
    "path",
    [
        "/files/", "/files", "/files/wrong", "/files/../xueban.db", "/files/%2e%2e%2fxueban.db", "/files/..%2f..%2fetc%2fpasswd",
        "/files/" + "a" * 64, "/files/" + "x" * 5000, "/files/%00", "/files/%F0%9F%8E%89",
    ],
)  # fmt: skip
def test_everything_else_is_404(application: Application, client: FlaskClient, path: str) -> None:
    stored(application, PNG)
    (application.settings.storage.data_dir / "xueban.txt").write_text("secret")
    answer = client.get(path, buffered=True)
    assert answer.status_code == 404
    assert b"secret" not in answer.data


def test_bytes_that_are_gone_are_404(application: Application, client: FlaskClient) -> None:
    token = stored(application, PNG)
    for file in (application.settings.storage.data_dir / "files").iterdir():
        file.unlink()
    assert client.get(f"/files/{token}").status_code == 404


# --- the command


def xueban(*arguments: str | Path, cwd: Path) -> Result:
    with chdir(cwd):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])


def good(*arguments: str | Path, cwd: Path) -> str:
    done = xueban(*arguments, cwd=cwd)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a configuration and an empty database with its first community."""
    values: dict[str, dict[str, Any]] = {
        "server": {"public_url": "https://bot.example.edu"},
        "storage": {"data_dir": str(tmp_path / "data")},
        "defaults": {"community": "示例支部"},
        "official_account": {"app_id": APP_ID, "token": TOKEN, "encoding_aes_key": AES_KEY},
    }
    (tmp_path / "config.toml").write_text(render(values), encoding="utf-8")
    (tmp_path / "a.mp4").write_bytes(MP4)
    (tmp_path / "q.toml").write_text(
        '[[question]]\nquestion = "谁？"\noptions = ["甲", "乙"]\nright = 2\n' * 3, encoding="utf-8"
    )
    application = build(load_settings(tmp_path / "config.toml", {}), "command")
    prepare_database(application)
    application.database.dispose()
    return tmp_path


def test_a_file_is_chosen_and_listed(home: Path) -> None:
    month = ["--month", "2126-12"]
    said = good(
        "video", "choose", "a.mp4", "--title", "榜样", *month, "--questions", "q.toml", cwd=home
    )
    url = said.splitlines()[-1]
    assert url.startswith("https://bot.example.edu/files/")
    assert json.loads(good("video", "list", "--json", cwd=home)) == [
        {"month": "2126-12", "title": "榜样", "url": url, "questions": 3, "seen": 0, "people": 0}
    ]
    assert "榜样" in good("video", "list", "--community", "示例支部", cwd=home)
    assert len(list((home / "data" / "files").iterdir())) == 1


def test_the_default_month_is_the_one_that_is_due_next(home: Path) -> None:
    good("video", "choose", "a.mp4", "--title", "榜样", cwd=home)
    (listed,) = json.loads(good("video", "list", "--json", cwd=home))
    today = datetime.now(UTC).date()  # noqa: TID251
    assert listed["month"] >= f"{today:%Y-%m}"


def test_another_file_for_the_month_asks_first(home: Path) -> None:
    command = ["video", "choose", "a.mp4", "--month", "2126-12", "--title"]
    good(*command, "榜样", cwd=home)
    refused = xueban(*command, "另一部", cwd=home)
    assert refused.exit_code == 1
    assert "has a video: 榜样" in refused.output
    good(*command, "另一部", "--yes", cwd=home)
    (listed,) = json.loads(good("video", "list", "--json", cwd=home))
    assert listed["title"] == "另一部"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a.mp4", "--title", " "], "--title: write 1 to 60"),
        (["a.mp4", "--title", "榜样", "--month", "2020-01"], "2020-01 is over"),
        (["a.mp4", "--title", "榜样", "--month", "13"], "'13' is no month"),
        (["a.mp4", "--title", "榜样", "--community", "某"], "There is no community '某'"),
        (["config.toml", "--title", "榜样"], "no MP4, PDF, JPEG or PNG"),
        (["a.mp4", "--title", "榜样", "--questions", "bad.toml"], "bad.toml: question"),
        (["a.mp4", "--title", "榜样", "--questions", "range.toml"], "range.toml: 第 1 题的答案不在 2 个选项里"),
        (["a.mp4", "--title", "榜样", "--questions", "a.mp4"], "a.mp4: "),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_said_plainly(
    home: Path, arguments: list[str], reason: str
) -> None:
    (home / "bad.toml").write_text('[[question]]\nquestion = "谁"\n')
    (home / "range.toml").write_text(
        (home / "q.toml").read_text().replace("right = 2", "right = 3")
    )
    done = xueban("video", "choose", *arguments, cwd=home)
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit)
    assert reason in done.stderr
    assert json.loads(good("video", "list", "--json", cwd=home)) == []


def test_without_a_public_address_there_is_no_link(home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("https://bot.example.edu", ""))
    done = xueban("video", "choose", "a.mp4", "--title", "榜样", cwd=home)
    assert done.exit_code == 2
    assert "server.public_url" in done.stderr
    assert "选视频" in done.stderr


def test_undoing_a_link_brings_a_file_back(application: Application) -> None:
    """A file that a command has chosen is replaced by a link in chat, and that taken back."""
    token = stored(application, MP4)
    packs = application.library.packs["party-branch"]
    with application.database.begin() as session:
        home = community.view(community.oldest(session))
        row = session.scalars(select(StoredFile)).one()
        draft = Draft(date(2026, 12, 1), "榜样", f"https://bot.example.edu/files/{token}")
        video.choose(
            session, home, draft, 0, None, application.clock.now(), packs.messages.say, row.id
        )
    boss = organiser(application, "oBoss")
    boss.say("选视频 12月 另一部 https://v.example.cn/other")
    boss.say("确认")
    boss.say("撤销")
    with application.database.read() as session:
        found = session.scalars(select(Video)).one()
        assert (found.title, found.file_id) == ("榜样", 1)
