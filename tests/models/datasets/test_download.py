"""Downloads from a server of our own; pooch is real."""

import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from models.datasets.download import REMOTES, Remote, download
from spikefront.errors import DataError, SpikefrontError

CONTENT = bytes(range(256)) * 4000


class Files(BaseHTTPRequestHandler):
    """Serves ``server.files``; closes the connection of a path after ``server.breaks[path]`` bytes, once."""

    def do_GET(self):
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.asked.append((self.path, start))
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : self.server.breaks.pop(self.path, len(content))])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    pytest.importorskip("pooch", reason="pooch is not installed")
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as running:
        running.files, running.breaks, running.asked = {"/a.bin": CONTENT}, {}, []
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def remotes_of(server, **changes):
    host, port = server.server_address
    values = {
        "url": f"http://{host}:{port}/a.bin",
        "checksum": f"md5:{hashlib.md5(CONTENT).hexdigest()}",
        "path": "Set/raw/a.bin",
    } | changes
    return {"small": (Remote(**values),)}


def test_a_file_arrives_at_its_place_and_is_not_fetched_twice(server, tmp_path):
    for _ in range(2):
        assert download("small", tmp_path, remotes_of(server)) == [tmp_path / "Set" / "raw" / "a.bin"]
    assert (tmp_path / "Set" / "raw" / "a.bin").read_bytes() == CONTENT
    assert server.asked == [("/a.bin", 0)]
    assert [path.name for path in (tmp_path / "Set" / "raw").iterdir()] == ["a.bin"]


def test_an_interrupted_download_goes_on_where_it_stopped(server, tmp_path):
    server.breaks["/a.bin"] = 600_000
    with pytest.raises(SpikefrontError, match="try again, which goes on where it stopped"):
        download("small", tmp_path, remotes_of(server))
    assert not (tmp_path / "Set" / "raw" / "a.bin").exists()
    download("small", tmp_path, remotes_of(server))
    assert (tmp_path / "Set" / "raw" / "a.bin").read_bytes() == CONTENT
    (_, first), (_, second) = server.asked
    assert first == 0
    assert 0 < second <= 600_000


def test_a_wrong_checksum_leaves_nothing_behind(server, tmp_path):
    wrong = remotes_of(server, checksum=f"md5:{hashlib.md5(b'other').hexdigest()}")
    with pytest.raises(DataError, match="does not have the published checksum md5:"):
        download("small", tmp_path, wrong)
    assert list((tmp_path / "Set" / "raw").iterdir()) == []


def test_an_archive_is_unpacked_beside_itself(server, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.h5", b"content")
    server.files["/a.zip"] = packed.getvalue()
    host, port = server.server_address
    remotes = remotes_of(
        server,
        url=f"http://{host}:{port}/a.zip",
        checksum=f"md5:{hashlib.md5(packed.getvalue()).hexdigest()}",
        path="Set/a.zip",
        member="inner.h5",
    )
    download("small", tmp_path, remotes)
    assert (tmp_path / "Set" / "inner.h5").read_bytes() == b"content"


def test_without_a_connection_the_remedy_names_the_place(server, tmp_path):
    remotes = remotes_of(server, url="http://127.0.0.1:1/a.bin")
    with pytest.raises(SpikefrontError, match=r"cannot fetch http://127.0.0.1:1/a.bin .* put the file"):
        download("small", tmp_path, remotes)


def test_sets_without_an_address_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"'dvs128-gesture' has no public address .* choose one of cifar10"):
        download("dvs128-gesture", tmp_path)


def test_every_remote_file_has_a_published_checksum():
    for remotes in REMOTES.values():
        for remote in remotes:
            algorithm, digest = remote.checksum.split(":")
            assert len(digest) == {"md5": 32, "sha256": 64}[algorithm]
