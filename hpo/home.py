"""Where Spikefront keeps things: one home folder, its store, its artifacts, a folder per campaign."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from hpo.store import Store, open_store
from hpo.store.artifacts import ArtifactFolder, Artifacts
from spikefront.errors import InputError, NotFoundError

DEFAULT_HOME = "spikefront-home"


@dataclass(frozen=True)
class Home:
    """A home folder; ``SPIKEFRONT_STORE`` may put the store elsewhere (PostgreSQL)."""

    path: Path

    @classmethod
    def choose(cls, path: str | None = None) -> "Home":
        """The folder asked for, else ``SPIKEFRONT_HOME``, else ``spikefront-home`` beside the user."""
        return cls(Path(path or os.environ.get("SPIKEFRONT_HOME") or DEFAULT_HOME).absolute())

    @property
    def store_url(self) -> str:
        """Database URL of the store."""
        chosen = os.environ.get("SPIKEFRONT_STORE")
        return chosen or sqlite_url(self.path / "store.db")

    def open(self) -> Store:
        """Open the store, making the folder on first use.

        Raises:
            InputError: the folder cannot be written, or the store cannot be opened.
        """
        self._make(self.path)
        return open_store(self.store_url)

    def open_existing(self) -> Store:
        """Open a store that is there already: what only reads creates nothing.

        Raises:
            NotFoundError: there is no such home folder yet.
            InputError: the store cannot be opened.
        """
        if not self.path.is_dir():
            raise NotFoundError(
                f"there is no home folder {self.path}: name yours with --home or SPIKEFRONT_HOME, or run a "
                "campaign first"
            )
        return open_store(self.store_url)

    @property
    def artifacts(self) -> Artifacts:
        """Trained networks, by content: in the home, or where ``SPIKEFRONT_ARTIFACTS`` says.

        Raises:
            InputError, ToolMissingError: there is no such kind of place, or its package is not installed.
        """
        place = os.environ.get("SPIKEFRONT_ARTIFACTS")
        if not place:
            return ArtifactFolder(self.path / "artifacts")
        if "://" not in place or place.startswith("file://"):
            return ArtifactFolder(Path(place.removeprefix("file://")).absolute())
        from hpo.store.remote import RemoteArtifacts

        return RemoteArtifacts(place)

    @property
    def artifacts_elsewhere(self) -> bool:
        """Whether artifacts are kept where other homes may keep theirs."""
        return bool(os.environ.get("SPIKEFRONT_ARTIFACTS"))

    def campaign_folder(self, name: str) -> Path:
        """The folder of one campaign's pictures and reports, made on first use."""
        folder = self.path / name
        self._make(folder)
        return folder

    @staticmethod
    def _make(folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot make the folder {folder} ({error.strerror}): "
                "give another with --home or SPIKEFRONT_HOME"
            ) from None


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file, whatever characters its path has."""
    return f"sqlite:///{quote(str(path))}"


def data_root(path: str | None = None) -> str | None:
    """Folder of the data sets: the one asked for, else ``SPIKEFRONT_DATA``, else None."""
    return path or os.environ.get("SPIKEFRONT_DATA") or None
