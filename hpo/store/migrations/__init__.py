"""The steps from each version of the tables to the next, run by alembic (``hpo.store.upgrade``).

A revision's number is the version that it leads to. What a revision does never changes once it was published,
and ``hpo.store.tables`` is what the last one leads to; a test compares the two on every database.
"""
