# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for all tests of this folder, and the mesh that most of them share.

With MESHOPS_TEST_LAB set to the work directory of a lab that runs, the tests use that one and leave it running.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import traffic
from .called import CALLED, Called, asks_itself
from .labs import VPC, VSWITCH, Lab
from .runner import ROOT, Runner

_READY = "lab: ready"
_START_SECONDS = 900.0

#: The whole flow comes first, on an account without meshes of ours, its removal after all others, and then what they
#: have called.
_ORDER = {"test_flow": 0, "test_removal": 2, "test_actions_called": 3}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the tests of this folder by file: the flow first, its removal last, all others as they came."""
    here = Path(__file__).parent
    mine = [item for item in items if item.path.parent == here]
    others = [item for item in items if item.path.parent != here]
    mine.sort(key=lambda item: _ORDER.get(item.path.stem, 1))
    items[:] = [*others, *mine]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Notes what was asked of the lab while a test, with its fixtures, ran."""
    called = item.session.stash.setdefault(CALLED, Called())
    begin = called.size()
    result = yield
    if not asks_itself(item):
        called.note(begin)
    return result


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The lab. It ends with this process, however that ends."""
    # Other folders use this lab as well, and note nothing.
    called = request.session.stash.setdefault(CALLED, Called())
    given = os.environ.get("MESHOPS_TEST_LAB")
    if given:
        found = Lab(Path(given))
        called.follow(found)
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="meshops-it-") as folder:
        workdir = Path(folder) / "lab"
        with _running_lab(workdir, Path(folder) / "lab.out"):
            found = Lab(workdir)
            called.follow(found)
            yield found


@contextlib.contextmanager
def _running_lab(workdir: Path, log: Path) -> Iterator[None]:
    setpriv = shutil.which("setpriv")
    assert setpriv, "the program setpriv was not found; install the package util-linux"
    command = [setpriv, "--pdeathsig", "TERM", "--", sys.executable, "-m", "meshlab", "up", "--foreground"]
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [*command, "--workdir", str(workdir)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests" / "lab")},
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while _READY not in log.read_text(encoding="utf-8").splitlines():
            assert process.poll() is None, f"the lab did not start:\n{log.read_text(encoding='utf-8')[-3000:]}"
            assert time.monotonic() < deadline, f"the lab is not ready:\n{log.read_text(encoding='utf-8')[-3000:]}"
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


@pytest.fixture(scope="session")
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Runs modules and playbooks; see Runner."""
    runner = Runner(lab, tmp_path_factory.mktemp("run"))
    yield runner
    runner.close()


@pytest.fixture(autouse=True)
def _no_fault_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A fault that a failed test left behind must not hit the next one."""
    yield
    if "lab" in request.fixturenames:
        request.getfixturevalue("lab").control.clear_faults()


@dataclass(frozen=True)
class Shop:
    """The mesh that the tests share, with the clusters shop-1 and shop-2 in it."""

    name: str
    id: str
    one: str
    two: str


@pytest.fixture(scope="session")
def shop(lab: Lab, run: Runner) -> Shop:
    """The mesh of the example: made by the flow, if that ran before, else here."""
    run("asm_mesh", name="bookinfo", vpc_id=VPC, vswitch_ids=[VSWITCH])
    run("asm_cluster", mesh="bookinfo", clusters=[{"name": "shop-1"}, {"name": "shop-2"}])
    return Shop("bookinfo", lab.mesh_id("bookinfo"), lab.cluster_id("shop-1"), lab.cluster_id("shop-2"))


@pytest.fixture(scope="module")
def book(lab: Lab, run: Runner) -> Iterator[traffic.Bookinfo]:
    """Bookinfo under real traffic. What the tests of a file leave of its resources is put right after the last."""
    built = traffic.build(lab, run)
    yield built
    built.reset()
