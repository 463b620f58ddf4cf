"""The monthly video (每月一视频): chosen, told, seen, with three questions to check oneself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, exists, func, select, update

from bot.domain.dates import spoken
from bot.domain.messages import Link, Notice
from bot.domain.person import CommunityView
from bot.domain.schedule import Rule
from bot.domain.video import (
    Draft,
    Question,
    first_of,
    month_come,
    month_coming,
    month_of,
    questions_from_json,
    questions_to_json,
)
from bot.services import deliveries, person, routine
from bot.services.firing import Call, Chunk, Occasion, Skip
from bot.storage.models import Community, Membership, Person, Video
from bot.storage.models import VideoView as View
from bot.storage.session import UnitOfWork, insert_new
from content.loader import Pack

ROUTINE = TOPIC = "video"
ROUTINE = "monthly_video"
