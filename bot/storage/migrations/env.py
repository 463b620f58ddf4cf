"""Alembic's entry: runs on the engine that bot.storage.schema hands over."""

from alembic import context
from sqlalchemy import Engine

from bot.storage.models import Base


def run(engine: Engine) -> None:
    with engine.begin() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            # "" writes UtcDateTime(), which the template imports
            user_module_prefix="",
            render_as_batch=connection.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()


run(context.config.attributes["engine"])
