"""Finding a data set's files, with the sentence that says what to put where when they are missing."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spikefront.errors import DataError


@dataclass(frozen=True)
class Place:
    """Where a data set's files belong.

    Attributes:
        name: the set's name, as a person says it.
        folders: folders below the data folder, in the order of the search; "" is the data folder itself.
        source: where a person can get the files.
    """

    name: str
    folders: tuple[str, ...]
    source: str

    def base(self, root: Path | None) -> Path:
        """The data folder.

        Raises:
            DataError: none was named.
        """
        if root is None:
            raise DataError(
                f"the data set {self.name} is read from files and no data folder was named; pass --data or"
                f" set SPIKEFRONT_DATA to the folder that holds {self.folders[0] or 'its files'}"
            )
        return root

    def find(self, root: Path | None, names: Iterable[str], checksum: str = "") -> Path:
        """The first of some files or folders in the first folder that has one.

        Args:
            root: data folder.
            names: alternatives, best first.
            checksum: what to say of the file's checksum where one is known.

        Raises:
            DataError: none is there, with the places, the source and the checksum.
        """
        names = tuple(names)
        folders = [self.base(root) / folder for folder in self.folders]
        for folder in folders:
            for name in names:
                if (folder / name).exists():
                    return folder / name
        places = ", ".join(str(folder) for folder in folders)
        known = f" ({checksum})" if checksum else ""
        raise DataError(
            f"{' or '.join(names)} of {self.name} was not found in {places}; get it{known} from {self.source}"
        )


def read_bytes(path: Path) -> bytes:
    """A whole file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); make it readable") from error


def check_sum(path: Path, content: bytes, algorithm: str, expected: str, remedy: str) -> None:
    """Compare a file's checksum with the official one.

    Raises:
        DataError: they differ.
    """
    found = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise DataError(f"{path} is damaged or of another data set: its {algorithm} is {found}; {remedy}")
