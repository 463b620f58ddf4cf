"""The unit of work. Whoever opens it ends it; nobody below may."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    Insert,
    bindparam,
    column,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from bot.errors import CommitForbidden
from bot.storage.engine import begin_writing, writer_of
from bot.storage.models import Base
from bot.storage.right_of_way import RightOfWay

# What a lock, a deadlock, a lost connection, a full disk or an exhausted pool raise: no fault
# of the code that ran, and nothing of it was stored.
DATABASE_BUSY = (OperationalError, PoolTimeout)
# SQLAlchemy drops the number of inserted rows otherwise.
_COUNTED = {"preserve_rowcount": True}


class UnitOfWork(Session):
    """A session that only its opener can end: commit() and rollback() raise CommitForbidden.

    Statements of the path that every message takes go to `core`, the connection itself: the
    session's own execute() takes 20 us more. What was add()ed must be flushed before.
    """

    def __init__(self, core: Connection) -> None:
        super().__init__(core)
        self.core = core

    def commit(self) -> None:
        raise CommitForbidden

    def rollback(self) -> None:
        raise CommitForbidden


class Database:
    """An engine and the two ways to open a session on it.

    `wait` and `short_wait` are seconds. After a wait has run out every further writer waits
    `short_wait` only, until one transaction succeeds: with few threads the fifth message would
    otherwise be answered after two whole waits. On SQLite writers of one process queue on a
    lock of their own, which is fair; SQLite's busy handler is not. Among processes those with
    priority "first" go before those that "yield" (right_of_way).
    """

    def __init__(
        self,
        engine: Engine,
        *,
        wait: float,
        short_wait: float = 0.1,
        priority: Literal["first", "yield", ""] = "",
    ) -> None:
        self.engine = engine
        self._priority = priority
        self._wait = wait
        self._short_wait = short_wait
        self._starved = False
        self._sqlite = engine.dialect.name == "sqlite"
        self._reader = engine.execution_options(read_only=True)
        self._writer = writer_of(engine)
        self._turnstile = threading.Lock()
        self._way = RightOfWay(Path(f"{engine.url.database}.way")) if self._sqlite else None

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """A transaction that may write; commits when the block ends, else rolls back.

        Raises one of DATABASE_BUSY when the database cannot be written within the wait.
        """
        try:
            with self._turn(), self._writer.connect() as connection, connection.begin():
                begin_writing(connection, self._patience())
                with UnitOfWork(connection) as session:
                    yield session
                    session.flush()
        except DATABASE_BUSY:
            self._starved = True
            raise
        self._starved = False

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """A transaction that only reads and never waits for a writer."""
        with (
            self._reader.connect() as connection,
            connection.begin(),
            UnitOfWork(connection) as session,
        ):
            yield session

    def dispose(self) -> None:
        if self._way:
            self._way.close()
        self.engine.dispose()
        self._writer = writer_of(self.engine)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._way is None:
            yield
        elif self._priority == "first":
            with self._way.taken(), self._own_turn():
                yield
        else:
            if self._priority == "yield":
                self._way.give(time.sleep)
            with self._own_turn():
                yield

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        if not self._turnstile.acquire(timeout=self._patience()):
            self._starved = True
            raise PoolTimeout("another writer of this process held the database too long")
        try:
            yield
        finally:
            self._turnstile.release()

    def _patience(self) -> float:
        return self._short_wait if self._starved else self._wait


@contextmanager
def savepoint(session: UnitOfWork) -> Iterator[None]:
    """What is done in the block is taken back when it raises.

    As text: SQLAlchemy compiles its own SAVEPOINT and RELEASE anew each time (80 us).
    """
    session.core.exec_driver_sql("SAVEPOINT ours")
    try:
        yield
        session.flush()
    except BaseException:
        session.expunge_all()
        session.core.exec_driver_sql("ROLLBACK TO SAVEPOINT ours")
        raise
    session.core.exec_driver_sql("RELEASE SAVEPOINT ours")


def insert_new(session: UnitOfWork, model: type[Base], **values: Any) -> int | None:
    """Insert a row unless a unique key is taken: its id, or None when the key was there.

    Waits, at most as long as the session's engine does, for a transaction that is about to
    insert the same key.
    """
    statement = _insert_new(model, session.core.dialect.name)
    return session.core.execute(statement, values).scalar()


def insert_all_new(
    session: UnitOfWork,
    model: type[Base],
    shared: Mapping[str, Any],
    own: Mapping[str, Sequence[Any]],
) -> int:
    """Insert rows but those whose unique key is taken: how many were new.

    `shared` columns are the same in every row, `own` has a list for each other column.
    """
    if not next(iter(own.values())):
        return 0
    names = tuple(own)
    if session.core.dialect.name == "postgresql":
        statement = _insert_lists(model, tuple(shared), names)
        values = {**shared, **own}
        return session.core.execute(statement, values, execution_options=_COUNTED).rowcount
    processors = [_processor(model, name, session.core.dialect) for name in names]
    columns = [
        [process(value) for value in own[name]] if process else own[name]
        for name, process in zip(names, processors, strict=True)
    ]
    rows = json.dumps(list(zip(*columns, strict=True)))
    statement = _insert_json(model, tuple(shared), names)
    values = {**shared, "rows": rows}
    return session.core.execute(statement, values, execution_options=_COUNTED).rowcount


def _processor(model: type[Base], name: str, dialect: Dialect) -> Callable[[Any], Any] | None:
    return model.__table__.c[name].type.dialect_impl(dialect).bind_processor(dialect)


@cache
def _insert_json(model: type[Base], shared: tuple[str, ...], own: tuple[str, ...]) -> Insert:
    """One statement with all rows as one JSON list, for SQLite."""
    table = model.__table__
    row = func.json_each(bindparam("rows")).table_valued("value").c.value
    chosen = select(
        *(bindparam(name, type_=table.c[name].type) for name in shared),
        *(func.json_extract(row, f"$[{number}]") for number in range(len(own))),
    )
    # Without a condition SQLite would take ON CONFLICT for the condition of a join.
    chosen = chosen.where(text("true"))
    insert = sqlite.insert(table)  # type: ignore[arg-type]
    return insert.from_select([*shared, *own], chosen).on_conflict_do_nothing()


@cache
def _insert_lists(model: type[Base], shared: tuple[str, ...], own: tuple[str, ...]) -> Insert:
    """One statement with a list for each column: a row for each is several times slower."""
    table = model.__table__
    lists = [bindparam(name, type_=postgresql.ARRAY(table.c[name].type)) for name in own]
    rows = func.unnest(*lists).table_valued(*(column(name, table.c[name].type) for name in own))
    rows = rows.render_derived()
    chosen = select(
        *(bindparam(name, type_=table.c[name].type) for name in shared),
        *(rows.c[name] for name in own),
    )
    insert = postgresql.insert(table)  # type: ignore[arg-type]
    return insert.from_select([*shared, *own], chosen).on_conflict_do_nothing()


@cache
def _insert_new(model: type[Base], dialect: str) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = model.__table__
    return insert(table).on_conflict_do_nothing().returning(*table.primary_key)  # type: ignore[arg-type]


def put(session: UnitOfWork, model: type[Base], unique: tuple[str, ...], **values: Any) -> None:
    """Insert a row, or replace what the row with the same `unique` columns holds."""
    session.core.execute(_put(model, unique, session.core.dialect.name), values)


@cache
def _put(model: type[Base], unique: tuple[str, ...], dialect: str) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = model.__table__
    statement = insert(table)  # type: ignore[arg-type]
    replaced = {
        column.name: statement.excluded[column.name]
        for column in table.c
        if column.name not in unique and not column.primary_key
    }
    return statement.on_conflict_do_update(index_elements=unique, set_=replaced)


def count_up(
    session: UnitOfWork, model: type[Base], unique: tuple[str, ...], **values: Any
) -> None:
    """Insert a row whose `count` is 1, or add one to that of the row with these values."""
    statement = _count_up(model, unique, session.core.dialect.name)
    session.core.execute(statement, {**values, "count": 1})


@cache
def _count_up(model: type[Base], unique: tuple[str, ...], dialect: str) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = model.__table__
    return insert(table).on_conflict_do_update(  # type: ignore[arg-type]
        index_elements=unique, set_={"count": table.c.count + 1}
    )
