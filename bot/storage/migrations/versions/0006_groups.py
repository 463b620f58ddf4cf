"""Groups: chats that belong to a community, lists of check-ins, codes for addresses and groups."""

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "check_in_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("lines", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sent_by", sa.Integer(), nullable=True),
        sa.Column("sent_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'taken', 'dropped')", name=op.f("ck_check_in_list_state")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_check_in_list_community_id")
        ),
        sa.ForeignKeyConstraint(["sent_by"], ["person.id"], name=op.f("fk_check_in_list_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in_list")),
    )
    op.create_index("ix_check_in_list_community_id", "check_in_list", ["community_id"])
    op.create_index("ix_check_in_list_sent_by", "check_in_list", ["sent_by"])
    op.create_table(
        "group_chat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("linked_by", sa.Integer(), nullable=True),
        sa.Column("linked_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_group_chat_community_id")
        ),
        sa.ForeignKeyConstraint(["linked_by"], ["person.id"], name=op.f("fk_group_chat_linked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_chat")),
        sa.UniqueConstraint(
            "channel", "account", "value", name=op.f("uq_group_chat_channel_account_value")
        ),
    )
    op.create_index("ix_group_chat_community_id", "group_chat", ["community_id"])
    op.create_index("ix_group_chat_linked_by", "group_chat", ["linked_by"])
    with op.batch_alter_table("check_in") as table:
        table.add_column(sa.Column("pictures", sa.Integer(), server_default="0", nullable=False))
        table.add_column(sa.Column("list_id", sa.Integer(), nullable=True))
        table.create_index("ix_check_in_list_id", ["list_id"])
        table.create_foreign_key(
            op.f("fk_check_in_list_id"), "check_in_list", ["list_id"], ["id"], ondelete="SET NULL"
        )
    with op.batch_alter_table("delivery") as table:
        table.add_column(sa.Column("group_id", sa.Integer(), nullable=True))
        table.create_index(
            "ix_delivery_group",
            ["group_id"],
            sqlite_where=sa.text("group_id IS NOT NULL"),
            postgresql_where=sa.text("group_id IS NOT NULL"),
        )
        table.create_foreign_key(
            op.f("fk_delivery_group_id"), "group_chat", ["group_id"], ["id"], ondelete="CASCADE"
        )
    with op.batch_alter_table("one_time_code") as table:
        table.add_column(sa.Column("purpose", sa.String(), server_default="role", nullable=False))
        table.add_column(sa.Column("person_id", sa.Integer(), nullable=True))
        table.create_index("ix_one_time_code_person_id", ["person_id"])
        table.create_foreign_key(
            op.f("fk_one_time_code_person_id"), "person", ["person_id"], ["id"]
        )
        table.create_check_constraint("purpose", "purpose IN ('role', 'address', 'group')")
