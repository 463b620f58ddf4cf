"""video choose, list: the monthly video as a file that this server holds itself."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.progress import Progress

from bot.bootstrap import load_content
from bot.cli.common import config_option, existing_database, json_option, settings_of, show_table
from bot.clock import Clock
from bot.config import Settings
from bot.domain.person import CommunityView
from bot.domain.video import QUESTIONS, TITLE_LIMIT, Draft, Question, first_of
from bot.domain.video_text import question_problem
from bot.errors import ConfigError, VideoRefused
from bot.files import Files, Kept
from bot.services import audit, community, files
from bot.services import video as service
from bot.storage.session import Database, UnitOfWork
from content.loader import Pack

_COLUMNS = ("month", "title", "url", "questions", "seen", "people")
community_option = click.option(
    "--community", "name", help="Its name (default: the oldest community)."
)


class _QuestionLine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: str
    options: tuple[str, ...]
    right: int


class _QuestionFile(BaseModel):
    """[[question]] with question, options (a list) and right (counts from 1), three times."""

    model_config = ConfigDict(extra="forbid")

    question: tuple[_QuestionLine, ...] = Field(min_length=QUESTIONS, max_length=QUESTIONS)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is about to be chosen, and the video whose place it takes."""

    home: CommunityView
    pack: Pack
    month: date
    before: service.ChosenVideo | None


@click.group()
def video() -> None:
    """The monthly video (每月一视频); organisers choose a link in chat: 选视频."""


@video.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", required=True, help="What members read.")
@click.option("--month", help="E.g. 2026-12 (default: the month that is due next).")
@community_option
@click.option(
    "--questions",
    "question_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML with three [[question]]: question, options (2 to 4), right (from 1).",
)
@click.option("--yes", is_flag=True, help="Do not ask before another video is replaced.")
@config_option
def choose(
    file: Path, title: str, month: str | None, name: str | None, question_file: Path | None,
    yes: bool, config: Path | None,
) -> None:  # fmt: skip
    """Choose FILE (MP4, PDF, JPEG or PNG, up to 200 MB) as a month's video.

    It is kept in data_dir/files and shown under server.public_url to whoever has the link.
    """
    settings = settings_of(config)
    if not settings.server.public_url:
        raise ConfigError(
            ["server.public_url: is empty, so there is no link to a file of ours; set it to this "
             "server's address, or choose a link in chat: 选视频"]
        )  # fmt: skip
    if not 1 <= len(title.strip()) <= TITLE_LIMIT:
        raise VideoRefused(f"--title: write 1 to {TITLE_LIMIT} characters.")
    packs = load_content(settings).packs
    with existing_database(settings) as database:
        with database.read() as session:
            home = _home(session, name)
            plan = _plan(session, home, packs[home.pack], month)
        questions = _questions(question_file, plan.pack) if question_file else ()
        if plan.before and not yes:
            click.echo(f"{plan.month:%Y-%m} has a video: {plan.before.title}")
            click.confirm("Replace it?", abort=True)
        kept = _keep(settings, file)
        url = _write(settings, database, plan, file.name, title.strip(), questions, kept)
    click.echo(f"Chosen for {plan.month:%Y-%m}: {title.strip()}\n{url}")


@video.command(name="list")
@community_option
@json_option
@config_option
def list_all(name: str | None, as_json: bool, config: Path | None) -> None:
    """Show a community's videos, newest first, and how many have seen each."""
    with existing_database(settings_of(config)) as database, database.read() as session:
        home = _home(session, name)
        rows = [
            [f"{one.month:%Y-%m}", one.title, one.url, len(one.questions),
             *service.counts(session, home, one.id)]
            for one in service.all_of(session, home.id)
        ]  # fmt: skip
    show_table("Videos", _COLUMNS, rows, as_json)


def _home(session: UnitOfWork, name: str | None) -> CommunityView:
    row = community.by_name(session, name) if name else community.oldest(session)
    return community.view(row)


def _plan(session: UnitOfWork, home: CommunityView, pack: Pack, month: str | None) -> _Plan:
    now = Clock().now()
    this = first_of(now.astimezone(ZoneInfo(home.timezone)).date())
    coming = service.coming(session, home, pack, now)
    chosen = _month(month) if month else (coming[0] if coming else this)
    if chosen < this:
        raise VideoRefused(f"--month: {chosen:%Y-%m} is over; choose {this:%Y-%m} or later.")
    return _Plan(home, pack, chosen, service.of_month(session, home.id, chosen))


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007
    except ValueError as error:
        raise VideoRefused(f"--month: {text!r} is no month; write e.g. 2026-12.") from error


def _questions(file: Path, pack: Pack) -> tuple[Question, ...]:
    """Raises VideoRefused with the file, the question and the reason."""
    try:
        found = _QuestionFile.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise VideoRefused(f"{file}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ": ".join(str(step) for step in first["loc"])
        raise VideoRefused(f"{file}: {place}: {first['msg']}") from error
    questions = []
    for number, line in enumerate(found.question, start=1):
        options = tuple(option.strip() for option in line.options)
        question = Question(line.question.strip(), options, line.right)
        if problem := question_problem(number, question):
            raise VideoRefused(f"{file}: {pack.messages.say(problem.key, **problem.fields)}")
        questions.append(question)
    return tuple(questions)


def _keep(settings: Settings, file: Path) -> Kept:
    kept = Files(settings.storage.data_dir / "files")
    with file.open("rb") as stream, Progress(transient=True) as shown:
        task = shown.add_task("Copying …", total=file.stat().st_size)
        return kept.keep(stream, lambda size: shown.advance(task, size))


def _write(
    settings: Settings, database: Database, plan: _Plan, file: str, title: str,
    questions: tuple[Question, ...], kept: Kept,
) -> str:  # fmt: skip
    """The link. Raises VideoRefused when an organiser was faster."""
    now = Clock().now()
    with database.begin() as session:
        stored = files.add(session, plan.home.id, file, kept, None, now)
        url = f"{settings.server.public_url}/files/{stored.token}"
        draft = Draft(plan.month, title, url, questions)
        expected = plan.before.version if plan.before else 0
        chosen = service.choose(
            session, plan.home, draft, expected, None, now, plan.pack.messages.say, stored.id
        )
        if chosen is None:
            raise VideoRefused("Somebody has just chosen another; look at it: xueban video list")
        audit.note(
            session, now, "video chosen", community=plan.home.id,
            detail=f"video {chosen.id}, version {chosen.version}, for {plan.month:%Y-%m}",
        )  # fmt: skip
    return url
