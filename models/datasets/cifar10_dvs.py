"""CIFAR10-DVS: moving CIFAR-10 images before an event camera (Li et al., 2017), in AEDAT 2 files."""

from collections.abc import Iterator
from pathlib import Path

from models.datasets.aedat import parse_aedat2
from models.datasets.files import Place, read_bytes
from models.datasets.options import Options
from models.datasets.recordings import Recording, Sensor, part_of, since_first
from models.datasets.samples import Raw
from models.datasets.splits import without_test
from spikefront.errors import DataError

FRAME = (128, 128)
DURATION_MS = 1300
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_TEST_FRACTION = 0.1  # no official split; nine to one is usual
_SOURCE = "figshare.com/articles/dataset/CIFAR10-DVS_New/4724671 (ten .zip, unpacked)"


def read_cifar10_dvs(root: Path | None, options: Options) -> Raw:
    """Read the folders airplane to truck of .aedat files; a fixed stratified tenth is the test part.

    Raises:
        DataError: a folder is missing, or a file is damaged.
    """
    place = Place("CIFAR10-DVS", ("CIFAR10DVS", ""), _SOURCE)
    folders = [place.find(root, (name,)) for name in CLASSES]
    sensor = Sensor(FRAME, polarity=True)
    part = part_of(_recordings(folders), sensor, options, options.duration_us(DURATION_MS))
    if not len(part):
        raise DataError(f"{folders[0].parent} has the folders but no .aedat files; get them from {_SOURCE}")
    return without_test(part, _TEST_FRACTION, sensor.shape(options), len(CLASSES))


def _recordings(folders: list[Path]) -> Iterator[Recording]:
    for label, folder in enumerate(folders):
        for path in sorted(folder.glob("*.aedat")):
            try:
                events = parse_aedat2(read_bytes(path))
            except ValueError as error:
                raise DataError(f"{path} is damaged: it {error}; get it from {_SOURCE}") from error
            site = events.y * FRAME[1] + events.x
            yield Recording(since_first(events.time_us), site, events.polarity, label)
