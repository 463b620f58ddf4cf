"""What the commands know of the packs' documents: what is due, and what was recorded."""

from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from bot.cli.common import existing_database
from bot.clock import Clock
from bot.config import Settings
from bot.errors import DatabaseProblem
from bot.services import content_review
from bot.services.content_review import Reviews


def today_of(settings: Settings) -> date:
    """The day in the time zone of [defaults]."""
    return Clock().now().astimezone(ZoneInfo(settings.defaults.timezone)).date()


def reviews_of(settings: Settings) -> Reviews:
    """What is recorded; nothing where there is no database that can be read."""
    try:
        with existing_database(settings) as database, database.read() as session:
            return content_review.all_of(session)
    except (DatabaseProblem, SQLAlchemyError):
        return {}
