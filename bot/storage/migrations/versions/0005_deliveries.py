"""Pushes: what deliveries, addresses and people need for them; schedules and their firings;
videos, study cards, who comes to a meeting, calendar feeds.
"""

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outlet",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("capabilities", sa.String(), nullable=False),
        sa.Column("refused", sa.String(), nullable=False),
        sa.Column("rests", sa.String(), nullable=False),
        sa.Column("permits", sa.Double(), nullable=False),
        sa.Column("permits_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_outlet")),
    )
    op.create_table(
        "early_receipt",
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("platform_id", name=op.f("pk_early_receipt")),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("anchor_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_slot", UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'stopped', 'parked', 'ended')", name=op.f("ck_schedule_state")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_schedule_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("key", name=op.f("uq_schedule_key")),
    )
    op.create_index("ix_schedule_community_id", "schedule", ["community_id"], unique=False)
    op.create_index(
        "ix_schedule_due",
        "schedule",
        ["next_slot"],
        unique=False,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )

    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_calendar_feed_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("person_id", name=op.f("uq_calendar_feed_person_id")),
        sa.UniqueConstraint("token", name=op.f("uq_calendar_feed_token")),
    )
    op.create_table(
        "firing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("slot", UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("ask", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("fired_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("done_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'skipped', 'parked')", name=op.f("ck_firing_state")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_firing_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_firing_schedule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firing")),
        sa.UniqueConstraint("schedule_id", "slot", name=op.f("uq_firing_schedule_id_slot")),
    )
    op.create_index(
        "ix_firing_open",
        "firing",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )

    op.create_table(
        "opt_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_opt_in_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_in")),
        sa.UniqueConstraint("person_id", "topic", name=op.f("uq_opt_in_person_id_topic")),
    )
    op.create_table(
        "stored_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("uploaded_by", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_stored_file_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["person.id"], name=op.f("fk_stored_file_uploaded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("token", name=op.f("uq_stored_file_token")),
    )
    op.create_table(
        "study_card_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("card", sa.String(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("answered_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_study_card_answer_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_study_card_answer_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_card_answer")),
        sa.UniqueConstraint(
            "person_id",
            "community_id",
            "day",
            name=op.f("uq_study_card_answer_person_id_community_id_day"),
        ),
    )
    op.create_table(
        "meeting_reply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("replied_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("answer IN ('coming', 'excused')", name=op.f("ck_meeting_reply_answer")),
        sa.ForeignKeyConstraint(
            ["meeting_id"],
            ["meeting.id"],
            name=op.f("fk_meeting_reply_meeting_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_meeting_reply_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_reply")),
        sa.UniqueConstraint(
            "meeting_id", "person_id", name=op.f("uq_meeting_reply_meeting_id_person_id")
        ),
    )
    op.create_index("ix_meeting_reply_person_id", "meeting_reply", ["person_id"], unique=False)

    op.create_table(
        "platform_consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["address.id"],
            name=op.f("fk_platform_consent_address_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_consent")),
        sa.UniqueConstraint(
            "address_id", "template", name=op.f("uq_platform_consent_address_id_template")
        ),
    )
    op.create_table(
        "video",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("questions", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("chosen_by", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["chosen_by"], ["person.id"], name=op.f("fk_video_chosen_by")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_video_community_id")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_video_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video")),
        sa.UniqueConstraint("community_id", "month", name=op.f("uq_video_community_id_month")),
    )
    op.create_table(
        "video_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("video_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("answers", sa.String(), nullable=False),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_video_view_person_id")),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name=op.f("fk_video_view_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video_view")),
        sa.UniqueConstraint("video_id", "person_id", name=op.f("uq_video_view_video_id_person_id")),
    )
    op.create_index("ix_video_view_person_id", "video_view", ["person_id"], unique=False)

    op.add_column(
        "address", sa.Column("message_left", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("address", sa.Column("message_until", UtcDateTime(timezone=True), nullable=True))
    op.add_column(
        "address", sa.Column("event_left", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("address", sa.Column("event_until", UtcDateTime(timezone=True), nullable=True))

    op.add_column("delivery", sa.Column("firing_id", sa.Integer(), nullable=True))
    op.add_column(
        "delivery", sa.Column("urgency", sa.String(), server_default="digest", nullable=False)
    )
    op.add_column("delivery", sa.Column("ask", sa.String(), server_default="", nullable=False))
    op.add_column("delivery", sa.Column("visible_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("delivery", sa.Column("token", sa.String(), server_default="", nullable=False))
    op.add_column(
        "delivery", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("delivery", sa.Column("tried_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("delivery", sa.Column("charged_day", sa.Date(), nullable=True))
    op.add_column("delivery", sa.Column("way", sa.String(), server_default="", nullable=False))
    op.add_column(
        "delivery", sa.Column("platform_id", sa.String(), server_default="", nullable=False)
    )
    op.add_column("delivery", sa.Column("done_at", UtcDateTime(timezone=True), nullable=True))
    op.drop_index("ix_delivery_community_id", table_name="delivery")
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["visible_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'sending')"),
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index(
        "ix_delivery_platform",
        "delivery",
        ["platform_id"],
        unique=False,
        sqlite_where=sa.text("platform_id <> ''"),
        postgresql_where=sa.text("platform_id <> ''"),
    )

    op.add_column("meeting", sa.Column("changed_at", UtcDateTime(timezone=True), nullable=True))

    op.add_column("person", sa.Column("pushed_day", sa.Date(), nullable=True))
    op.add_column("person", sa.Column("pushed", sa.Integer(), server_default="0", nullable=False))
    op.add_column("person", sa.Column("digest_day", sa.Date(), nullable=True))
    op.add_column("person", sa.Column("muted_until", UtcDateTime(timezone=True), nullable=True))
