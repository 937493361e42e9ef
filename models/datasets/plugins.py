"""Data sets of other installed packages, found by the entry-point group ``spikefront.datasets``.

The entry point's name is the data set's name in campaign files; what it loads is a ``Dataset``. Names alone
are read from the packages' metadata: a plug-in's code runs only when its data set is asked for.
"""

from collections.abc import Container
from importlib.metadata import EntryPoint, entry_points

from models.datasets.samples import Dataset
from spikefront.errors import DataError

GROUP = "spikefront.datasets"


def names(taken: Container[str]) -> tuple[str, ...]:
    """Names of all plug-ins; ``taken`` are those that no plug-in may have.

    Raises:
        DataError: a name is taken, or two packages offer it.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        if entry.name in taken:
            raise DataError(
                f"the package {_package(entry)} offers a data set {entry.name!r}, which is Spikefront's own;"
                " rename its entry point or uninstall it"
            )
        if entry.name in found:
            both = " and ".join(sorted((_package(found[entry.name]), _package(entry))))
            raise DataError(
                f"the packages {both} both offer a data set {entry.name!r}; uninstall one of them"
            )
        found[entry.name] = entry
    return tuple(sorted(found))


def find(name: str, taken: Container[str]) -> Dataset | None:
    """The data set of a plug-in, or None where none has that name.

    Raises:
        DataError: the plug-in cannot be imported or is no data set; errors of ``names`` too.
    """
    if name not in names(taken):
        return None
    (entry,) = entry_points(group=GROUP, name=name)
    try:
        dataset = entry.load()
    except Exception as error:  # whatever a foreign module does when it is imported
        raise DataError(
            f"the data set {name!r} of the package {_package(entry)} cannot be imported ({error}); mend or"
            " uninstall that package"
        ) from error
    if not _is_dataset(dataset):
        raise DataError(
            f"{entry.value} of the package {_package(entry)} is no data set: give it name, kind, options and"
            " read, as docs/datasets.md says"
        )
    if dataset.name != name:
        raise DataError(
            f"the package {_package(entry)} offers {dataset.name!r} under the entry point {name!r}; give both"
            " one name"
        )
    return dataset  # type: ignore[no-any-return]


def _is_dataset(candidate: object) -> bool:
    attributes = all(hasattr(candidate, attribute) for attribute in ("name", "kind", "options"))
    return attributes and callable(getattr(candidate, "read", None))


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "(unknown)"
