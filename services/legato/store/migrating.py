"""The way from one schema to the next, through Alembic. Knows no range."""

import pathlib

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_FOLDER = pathlib.Path(__file__).parent / "migrations"


def upgrade(connection: Connection, *, to: str) -> None:
    """Run the migrations up to one, in the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def steps(revision: str, _: MigrationContext) -> list[RevisionStep]:
        return script._upgrade_revs(to, revision)  # noqa: SLF001 - as its docs show

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
