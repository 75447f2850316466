"""The real downloader of torchvision, with a server on this machine."""

import gzip
import hashlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mlpviz import catalog, datasets
from mlpviz import download as download_module
from mlpviz.download import PREFIX, Download, Downloads
from tests.conftest import write_idx

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The four compressed files by name. All values are 7, so that the files are small."""
    folder = tmp_path_factory.mktemp("files")
    packed = {}
    for stem, count in datasets.FILES.items():
        shape, magic = ((count, 28, 28), 0x803) if "images" in stem else ((count,), 0x801)
        write_idx(folder / stem, np.full(shape, 7), magic)
        packed[f"{stem}.gz"] = gzip.compress((folder / stem).read_bytes(), compresslevel=1)
    return packed


@pytest.fixture
def server(files):
    """Serves `files`. It stops after half of each file until `server.proceed` is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = self.server.files.get(self.path.strip("/"))
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.server.proceed.wait(30)
            if not self.server.cut:
                self.wfile.write(content[len(content) // 2 :])

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.files, server.cut, server.proceed = dict(files), False, threading.Event()
    server.proceed.set()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.proceed.set()
    server.shutdown()
    server.server_close()
    thread.join()


def begin(server, files, root, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("no_proxy", "*")
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    url = f"http://127.0.0.1:{server.server_port}/"
    script = str(REPOSITORY / "tests" / "local_download.py")
    return Download("fashion-mnist", root, worker=(sys.executable, script, url, json.dumps(sums)))


def left_behind(root):
    return [name for name in os.listdir(root) if name != "FashionMNIST"]


def test_a_download_arrives_complete_and_is_found(server, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalog, "DEBIAN_FOLDER", tmp_path / "none")
    download = begin(server, files, "data", monkeypatch)
    download.wait(60)
    assert (download.state, download.message, download.progress()) == ("done", "", 1.0)
    assert catalog.find_dataset("fashion-mnist").resolve() == tmp_path / "data" / "FashionMNIST" / "raw"
    assert datasets.load_dataset("fashion-mnist").train.images.shape == (60_000, 28, 28)
    assert left_behind("data") == []


def test_a_cancelled_download_leaves_nothing(server, files, tmp_path, monkeypatch):
    server.proceed.clear()
    download = begin(server, files, tmp_path, monkeypatch)
    end = time.monotonic() + 40
    while download.progress() == 0 and time.monotonic() < end:
        time.sleep(0.05)
    assert 0 < download.progress() < 1 and download.state == "running"
    assert not (tmp_path / "FashionMNIST").exists()
    download.cancel()
    download.wait(20)
    assert download.state == "cancelled" and os.listdir(tmp_path) == []


@pytest.mark.parametrize("trouble", ["no server", "missing file", "cut short", "other content"])
def test_a_failed_download_gives_a_message_and_leaves_nothing(server, files, tmp_path, monkeypatch, trouble):
    if trouble == "no server":
        server.server_port = 9  # the discard port, where nobody listens
    if trouble == "missing file":
        server.files.clear()
    server.cut = trouble == "cut short"
    if trouble == "other content":
        server.files["train-labels-idx1-ubyte.gz"] = b"something else"
    download = begin(server, files, tmp_path, monkeypatch)
    download.wait(60)
    assert download.state == "failed" and os.listdir(tmp_path) == []
    assert download.message.startswith("The download failed: ")
    assert "Check the network" in download.message and "Traceback" not in download.message


def test_complete_files_with_the_wrong_content_are_refused(server, files, tmp_path, monkeypatch):
    """The checksums are right, so torchvision accepts the files. Our own check does not."""
    swapped = dict(files)
    swapped["train-labels-idx1-ubyte.gz"] = files["t10k-labels-idx1-ubyte.gz"]
    server.files = swapped
    download = begin(server, swapped, tmp_path, monkeypatch)
    download.wait(60)
    assert download.state == "failed" and "train-labels" in download.message
    assert os.listdir(tmp_path) == []


def test_a_download_replaces_a_damaged_dataset(server, files, tmp_path, monkeypatch):
    damaged = tmp_path / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"
    write_idx(damaged, np.zeros((1, 28, 28)), 0x803)
    download = begin(server, files, tmp_path, monkeypatch)
    download.wait(60)
    assert (download.state, download.message) == ("done", "")
    assert datasets.load_dataset("fashion-mnist", damaged.parent).train.images.shape == (60_000, 28, 28)


def test_eight_clicks_at_once_start_one_download_and_closing_the_server_stops_it(server, files, tmp_path, monkeypatch):
    begun = []

    def one(name, by):
        begun.append(begin(server, files, tmp_path, monkeypatch))
        return begun[-1]

    server.proceed.clear()
    monkeypatch.setattr(download_module, "Download", one)
    downloads = Downloads()
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda visitor: downloads.begin("fashion-mnist", visitor), "abcdefgh"))
    assert len(begun) == 1 and all(each is begun[0] for each in got)
    end = time.monotonic() + 40
    while begun[0].progress() == 0 and time.monotonic() < end:
        time.sleep(0.05)
    downloads.close()
    assert begun[0].state == "cancelled" and begun[0]._process.poll() is not None and os.listdir(tmp_path) == []


def test_leftovers_of_a_killed_server_are_removed_by_the_next_download(server, files, tmp_path, monkeypatch):
    old, new = tmp_path / f"{PREFIX}old", tmp_path / f"{PREFIX}new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (time.time() - 3 * 24 * 3600,) * 2)
    begin(server, files, tmp_path, monkeypatch).wait(60)
    assert not old.exists() and new.exists(), "another server may still use the new one"


def test_without_torchvision_it_says_what_to_install(server, files, tmp_path, monkeypatch):
    """torchvision is optional. If it doesn't fit the installed torch, it can't be imported either."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "torchvision.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'broken'}{os.pathsep}{REPOSITORY}")
    monkeypatch.chdir(tmp_path)
    download = Download("fashion-mnist", tmp_path / "data")
    download.wait(60)
    assert download.state == "failed" and "nms does not exist" in download.message
    assert "pip install 'mlpviz[download]'" in download.message and "Traceback" not in download.message
