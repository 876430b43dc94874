"""The tables, as queries name them. `migrations` makes them; a test holds both to each other."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)


class Moment(TypeDecorator[datetime]):
    """A time in UTC: `timestamptz` on PostgreSQL, ISO text that sorts by time on SQLite."""

    impl = DateTime(timezone=True)  # type: ignore[mutable-override]  # as SQLAlchemy asks for
    cache_ok = True  # type: ignore[mutable-override]

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time as the driver takes it."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time as the domain has it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = MetaData()
_Serial = BigInteger().with_variant(Integer, "sqlite")

# `body` is the whole signal as JSON, which escapes what a TEXT column refuses (NUL); the other columns hold only what
# we made ourselves, so no sender's text can make an insert fail that other senders' alerts share.
signals = Table(
    "signals",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("alert_key", Text, nullable=False),
    Column("firing", Boolean, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("incident", Text),
    Column("opened", Boolean, nullable=False),
    Column("reason", Text),
    Column("set_aside_at", Moment),
)

# `body` is the incident; the other columns are what it is found by. `cause` comes from its last `diagnosed` event.
incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("ending", Text),
    Column("namespace", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("body", Text, nullable=False),
    Column("guard", Text, nullable=False),
    Column("alert", Text, nullable=False),
    Column("cause", Text, nullable=False, default="", server_default=""),
)

# `phase` is empty where the incident stayed where it was; `hash` is the event's place in the chain (domain/chain.py).
events = Table(
    "events",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("about", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

# Which alert instances opened or joined an incident, and whether each was firing when it was last heard of.
alerts = Table(
    "alerts",
    metadata,
    Column("alert_key", Text, primary_key=True),
    Column("incident", Text, primary_key=True),
    Column("firing", Boolean, nullable=False),
    Column("at", Moment, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("ends_at", Moment, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("executor", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)

# `result` is the entry that a run ended with.
runs = Table(
    "runs",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("begun", Integer, nullable=False),
    Column("argument", Text, nullable=False),
    Column("result", Text),
)

run_entries = Table(
    "run_entries",
    metadata,
    Column("run", Text, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("entry", Text, nullable=False),
)

run_messages = Table(
    "run_messages",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("run", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", Text),
    Column("payload", Text, nullable=False),
)

# Answers of models; `key` is the hash of the question.
kept_texts = Table(
    "kept_texts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("until", Moment, nullable=False),
)

# One row (id 1) while all actions are suspended, none otherwise.
switch = Table(
    "switch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

# One row that is rewritten to prove that a commit is possible.
probe = Table(
    "probe",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
)

# Finished incidents. `body` is what a pattern is neither found nor narrowed by; `vector` is float32, little-endian;
# `at` is in seconds since 1970, as the matrix of the search holds it.
patterns = Table(
    "patterns",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("ending", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("at", Float, nullable=False),
    Column("embedder", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

# What another pattern store does not know yet.
pattern_debts = Table(
    "pattern_debts",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("pattern", Text, nullable=False),
    Column("dropped", Boolean, nullable=False),
)
