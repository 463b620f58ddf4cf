"""Questions: tickets, their answers, anonymous askers, counts; a community's own help lines."""

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "question_count",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_question_count_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question_count")),
        sa.UniqueConstraint(
            "community_id",
            "day",
            "outcome",
            "topic",
            name=op.f("uq_question_count_community_id_day_outcome_topic"),
        ),
    )
    op.create_index("ix_question_count_day", "question_count", ["day"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("asker_id", sa.Integer(), nullable=True),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("last_answer", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("answered_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('question', 'alert')", name=op.f("ck_ticket_kind")),
        sa.CheckConstraint(
            "state IN ('open', 'answered', 'withdrawn')", name=op.f("ck_ticket_state")
        ),
        sa.CheckConstraint(
            "NOT (anonymous AND asker_id IS NOT NULL)", name=op.f("ck_ticket_anonymous")
        ),
        sa.ForeignKeyConstraint(["asker_id"], ["person.id"], name=op.f("fk_ticket_asker_id")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_ticket_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
    )
    op.create_index("ix_ticket_asker_id", "ticket", ["asker_id"], unique=False)
    op.create_index(
        "ix_ticket_open", "ticket", ["community_id", "state", "created_at"], unique=False
    )

    op.create_table(
        "anonymous_asker",
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["ticket.id"],
            name=op.f("fk_anonymous_asker_ticket_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_anonymous_asker")),
    )
    op.create_index(
        "ix_anonymous_asker_address",
        "anonymous_asker",
        ["value", "account", "channel"],
        unique=False,
    )
    op.create_index(
        "ix_anonymous_asker_expires_at", "anonymous_asker", ["expires_at"], unique=False
    )

    op.create_table(
        "ticket_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["person.id"], name=op.f("fk_ticket_answer_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["ticket.id"],
            name=op.f("fk_ticket_answer_ticket_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_answer")),
        sa.UniqueConstraint("ticket_id", "number", name=op.f("uq_ticket_answer_ticket_id_number")),
    )
    op.create_index("ix_ticket_answer_author_id", "ticket_answer", ["author_id"], unique=False)

    op.add_column(
        "community", sa.Column("crisis_line", sa.String(), server_default="", nullable=False)
    )
    op.add_column(
        "community", sa.Column("complaint_line", sa.String(), server_default="", nullable=False)
    )

    # A table copied anew on SQLite, which cannot add a constraint to one that is there.
    with op.batch_alter_table("delivery") as delivery:
        delivery.add_column(sa.Column("ticket_id", sa.Integer(), nullable=True))
        delivery.create_foreign_key(
            op.f("fk_delivery_ticket_id"), "ticket", ["ticket_id"], ["id"], ondelete="CASCADE"
        )
    op.create_index(
        "ix_delivery_anonymous",
        "delivery",
        ["ticket_id"],
        unique=False,
        sqlite_where=sa.text("ticket_id IS NOT NULL"),
        postgresql_where=sa.text("ticket_id IS NOT NULL"),
    )
