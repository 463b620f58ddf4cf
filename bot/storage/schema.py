"""The schema's versions: what this program expects, what the database has, how it gets there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from bot.errors import SchemaOutdated

NO_DATABASE = "There is no database yet; xueban serve creates it (see storage.data_dir)."


def _config(engine: Engine | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    return config


def expected() -> str:
    """The revision that this version of the program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise SchemaOutdated("This installation holds no migrations; install xueban again.")
    return head


def current(engine: Engine) -> str | None:
    """The database's revision; None for an empty database."""
    with engine.execution_options(read_only=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_empty(engine: Engine) -> bool:
    return not inspect(engine).get_table_names()


def require_tables(engine: Engine) -> None:
    """Raise SchemaOutdated for an empty database."""
    if is_empty(engine):
        raise SchemaOutdated(NO_DATABASE)


def upgrade(engine: Engine) -> None:
    """Bring the database to `expected()`, in one transaction."""
    command.upgrade(_config(engine), "head")


def require_current(engine: Engine) -> None:
    """Raise SchemaOutdated unless the schema is the expected one."""
    found, wanted = current(engine), expected()
    if found == wanted:
        return
    if found is None:
        require_tables(engine)
    known = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    if found is not None and found not in known:
        raise SchemaOutdated(
            f"The database's schema ({found}) is newer than this program ({wanted}); "
            "install the version of xueban that wrote it."
        )
    raise SchemaOutdated(
        f"The database's schema is {found or 'missing'}, this program needs {wanted}. "
        "Run: xueban db upgrade (it makes a backup first)."
    )
