"""Schema migrations (Alembic), imported only when a store's schema is not current."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from lignin.adapters.store import engine as engines

_ADVISORY_LOCK = 0x6C69676E696E  # "lignin": one migration at a time on Postgres


@cache
def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def known_revisions() -> frozenset[str]:
    """Every schema revision this program can read or upgrade."""
    return frozenset(
        str(s.revision) for s in ScriptDirectory.from_config(_config()).walk_revisions()
    )


def upgrade(engine: Engine) -> None:
    """Bring a store to the current schema in one transaction, one process at a time."""
    with engines.writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"select pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
