"""``python -m hpo`` is the ``spikefront`` command."""

from hpo.cli import main

main()
