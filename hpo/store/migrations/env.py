"""What alembic runs: the revisions, on the connection and within the transaction of ``hpo.store.upgrade``."""

from alembic import context

from hpo.store.tables import Base, VersionRow

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VersionRow.__tablename__,
    transactional_ddl=True,  # on SQLite too, since our transactions begin before the first statement
)
context.run_migrations()
