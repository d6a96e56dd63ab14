# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses, processes and certificates of a lab."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import wait_for
from cryptography import x509
from cryptography.x509.oid import NameOID
from meshlab import pki
from meshlab.addresses import Addresses, AddressesError
from meshlab.files import write_private
from meshlab.keeper import Keeper
from meshlab.kubeconfig import certificate_kubeconfig
from meshlab.processes import Process, ProcessError, Processes, end_leftovers


def _is_running(pid: int) -> bool:
    """Whether a process exists and is more than a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until_gone(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while _is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _is_running(pid)


def test_two_labs_take_different_ranges(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = Addresses(tmp_path / "one"), Addresses(tmp_path / "two")
    assert one.octet != two.octet
    one.close()
    two.close()


def test_a_lab_gets_its_addresses_back_after_a_restart(tmp_path: Path) -> None:
    first = Addresses(tmp_path)
    plane, pilot, eip = first.plane("c1"), first.pilot("m1"), first.next_eip()
    first.close()
    again = Addresses(tmp_path)
    assert (again.plane("c1"), again.pilot("m1")) == (plane, pilot)
    assert again.next_eip() != eip
    again.close()


def test_a_running_lab_keeps_others_out_of_its_work_directory(tmp_path: Path) -> None:
    running = Addresses(tmp_path)
    with pytest.raises(AddressesError, match="running already"):
        Addresses(tmp_path)
    running.close()


def test_released_and_forgotten_addresses_are_free_again(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    balancer, plane = addresses.next_load_balancer(), addresses.plane("c1")
    assert addresses.next_load_balancer() != balancer
    addresses.release(balancer)
    addresses.release(balancer)
    assert addresses.next_load_balancer() == balancer
    addresses.forget("c1")
    assert addresses.plane("c2") == plane
    addresses.close()


def test_blocks_do_not_overlap_and_end(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    eips = {addresses.next_eip() for _unused in range(2 * 254)}
    assert len(eips) == 2 * 254
    assert not eips & {addresses.next_load_balancer() for _unused in range(100)}
    with pytest.raises(AddressesError, match="release some"):
        addresses.next_eip()
    addresses.close()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """They end with the test, however that ends: later ones count threads."""
    started = Processes(tmp_path)
    yield started
    started.close()


def test_children_are_started_with_nothing_but_their_environment(processes: Processes) -> None:
    child = processes.start("env", ["/usr/bin/env"], env={"ONLY": "this"})
    while child.running:
        time.sleep(0.01)
    assert child.log.read_text() == "ONLY=this\n"
    assert stat.S_IMODE(child.log.stat().st_mode) == 0o600


def test_a_child_that_ends_early_is_reported_with_its_log(processes: Processes) -> None:
    child = processes.start("grumpy", ["/bin/sh", "-c", "echo no such port >&2; exit 7"], env={})
    with pytest.raises(ProcessError, match=r"(?s)grumpy ended with code 7.*no such port"):
        child.wait_ready(lambda: False, seconds=5)


def test_a_program_that_does_not_exist_is_reported(processes: Processes) -> None:
    child = processes.start("nothing", ["/no/such/program"], env={})
    with pytest.raises(ProcessError, match="/no/such/program"):
        child.wait_ready(lambda: False, seconds=5)


def test_what_became_of_children_is_told(processes: Processes) -> None:
    kept = Keeper(processes, lambda: processes.start("kept", ["/bin/sleep", "60"], env={}))
    kept.start()
    kept.watch()
    other = processes.start("other", ["/bin/sleep", "60"], env={})
    assert {one.name for one in processes.running()} == {"kept", "other"}
    (first,) = processes.running("k*t")
    first.kill()
    other.kill()
    wait_for(lambda: processes.restarts() == {"kept": 1})
    (second,) = processes.running("kept")
    assert second.pid != first.pid
    wait_for(lambda: processes.ended() == [f"other has ended with code -9, see {other.log}"])
    kept.stop()
    assert processes.running() == []
    assert processes.restarts() == {"kept": 1}  # one that is stopped stays away


def test_a_child_that_cannot_be_started_again_is_told(processes: Processes) -> None:
    attempts: list[int] = []

    def start() -> Process:
        attempts.append(1)
        if len(attempts) == 2:
            raise ProcessError("no luck")
        return processes.start("kept", ["/bin/sleep", "60"], env={})

    kept = Keeper(processes, start)
    kept.start().kill()
    kept.watch()
    wait_for(lambda: len(attempts) == 2)
    assert len(processes.ended()) == 1
    wait_for(processes.restarts)  # it goes on trying
    assert (processes.ended(), processes.restarts()) == ([], {"kept": 1})
    assert processes.running("kept")
    kept.stop()


def test_a_child_that_ignores_the_request_to_end_is_killed(processes: Processes) -> None:
    child = processes.start("stubborn", ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"], env={})
    child.wait_ready(lambda: "up" in child.log.read_text(), seconds=5)
    processes.stop(child, grace=0.2)
    assert not _is_running(child.pid)


_LAB = """
import sys, time
from pathlib import Path
from meshlab.processes import Processes
processes = Processes(Path(sys.argv[1]))
print(processes.start("sleeper", ["/bin/sleep", "300"], env={}).pid, flush=True)
time.sleep(300)
"""


def test_children_die_with_a_lab_that_is_killed(tmp_path: Path) -> None:
    script = write_private(tmp_path / "lab.py", textwrap.dedent(_LAB))
    with subprocess.Popen(
        [sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    ) as lab:
        assert lab.stdout is not None
        child = int(lab.stdout.readline())
        assert _is_running(child)
        lab.send_signal(signal.SIGKILL)
    assert _until_gone(child)


def test_leftovers_are_ended_by_their_identity_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "300"]) as left, subprocess.Popen(["/bin/sleep", "300"]) as other:
        processes = Processes(tmp_path)
        child = processes.start("recorded", ["/bin/sleep", "300"], env={})
        recorded = json.loads((tmp_path / "processes.json").read_text())[0]
        processes.close()
        fields = Path(f"/proc/{left.pid}/stat").read_text().rpartition(")")[2].split()
        mine = {**recorded, "pid": left.pid, "started": fields[19]}
        stranger = {**recorded, "pid": other.pid, "started": "1"}
        gone = {**recorded, "pid": child.pid}
        (tmp_path / "processes.json").write_text(json.dumps([mine, stranger, gone]))
        assert end_leftovers(tmp_path) == ["recorded"]
        assert left.wait(5) == -signal.SIGTERM
        assert other.poll() is None
        assert end_leftovers(tmp_path) == []
        other.kill()


def _recorded(pid: int, executable: str) -> dict[str, Any]:
    """An entry as a lab writes it for one of its processes."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return {"name": "etcd", "pid": pid, "boot": boot, "started": started, "executable": executable}


# Its first thread ends at once, and the other one keeps the socket: as any process is for a moment when it is killed.
_ENDING = """
import ctypes, socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
threading.Thread(target=time.sleep, args=(300,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_what_has_not_quite_ended_is_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _ENDING], stdout=subprocess.PIPE, text=True) as ending:
        try:
            assert ending.stdout is not None
            port = int(ending.stdout.readline())
            assert _until_gone(ending.pid)
            entry = _recorded(ending.pid, os.path.realpath(sys.executable))
            (tmp_path / "processes.json").write_text(json.dumps([entry]))
            assert end_leftovers(tmp_path) == ["etcd"]
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)
        finally:
            ending.kill()


def test_a_process_of_another_program_is_no_leftover(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "300"]) as other:
        (tmp_path / "processes.json").write_text(json.dumps([_recorded(other.pid, "/opt/etcd")]))
        assert end_leftovers(tmp_path) == []
        assert other.poll() is None
        other.kill()


def test_client_certificates_carry_user_groups_and_life(tmp_path: Path) -> None:
    authority = pki.Authority(tmp_path / "pki", "c1 CA")
    pair = authority.client("1234-5", ["system:masters", "team"], hours=2)
    certificate = x509.load_pem_x509_certificate(pair.certificate.encode())
    assert [one.value for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["1234-5"]
    groups = [one.value for one in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert groups == ["system:masters", "team"]
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert 2.0 < life.total_seconds() / 3600 < 2.2
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate_pem.encode()))


def test_an_authority_is_kept_and_private(tmp_path: Path) -> None:
    first = pki.Authority(tmp_path / "pki", "c1 CA")
    assert pki.Authority(tmp_path / "pki", "c1 CA").certificate_pem == first.certificate_pem
    assert stat.S_IMODE((tmp_path / "pki" / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700


def test_a_kubeconfig_stands_alone(tmp_path: Path) -> None:
    authority = pki.Authority(tmp_path / "pki", "c1 CA")
    pair = authority.client("u", [], hours=1)
    text = certificate_kubeconfig(
        name="c1", server="https://127.0.0.1:6443", ca_pem=authority.certificate_pem, user="u", pair=pair
    )
    config = yaml.safe_load(text)
    assert config["current-context"] == config["contexts"][0]["name"]
    assert set(config["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"


def test_a_private_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = write_private(tmp_path / "secret", "old")
    with path.open() as reader:
        write_private(path, "newer")
        assert reader.read() == "old"
    assert path.read_text() == "newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
