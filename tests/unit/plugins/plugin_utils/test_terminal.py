# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on the standard error that wait for nobody: not for a lock, not for a reader."""

from __future__ import annotations

import os
import pty
import socket
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.plugins.plugin_utils.terminal import Terminal


def test_a_line_goes_to_a_pipe() -> None:
    reading, writing = os.pipe()
    Terminal(writing).say("[localhost] waiting for a mesh: 3 s")
    assert os.read(reading, 1000) == b"[localhost] waiting for a mesh: 3 s\n"
    # Ansible's own end still waits, as it did.
    assert os.get_blocking(writing)
    os.close(reading)
    os.close(writing)


def test_a_pipe_that_nobody_empties_is_not_waited_for() -> None:
    reading, writing = os.pipe()
    terminal = Terminal(writing)
    for number in range(5000):
        terminal.say(f"line {number:04} {'x' * 60}")
    os.close(writing)
    os.close(terminal._own or -1)
    told = b"".join(iter(lambda: os.read(reading, 65536), b"")).decode().splitlines()
    os.close(reading)
    # What was shown is whole lines, from the first on.
    assert 100 < len(told) < 5000
    assert told == [f"line {number:04} {'x' * 60}" for number in range(len(told))]


def test_a_pipe_whose_reader_is_gone_is_no_failure() -> None:
    reading, writing = os.pipe()
    terminal = Terminal(writing)
    os.close(reading)
    terminal.say("a line")
    os.close(writing)


def test_a_terminal_and_a_file_and_a_socket(tmp_path: Path) -> None:
    reading, terminal = pty.openpty()
    Terminal(terminal).say("a line")
    assert os.read(reading, 100) == b"a line\r\n"
    file = tmp_path / "log"
    file.write_text("before\n", encoding="utf-8")
    with file.open("a", encoding="utf-8") as stream:
        Terminal(stream.fileno()).say("a line")
    assert file.read_text(encoding="utf-8") == "before\na line\n"
    # As a service of systemd has: it cannot be opened anew.
    ours, theirs = socket.socketpair()
    Terminal(ours.fileno()).say("a line")
    assert theirs.recv(100) == b"a line\n"
    for one in (ours, theirs):
        one.close()
    os.close(reading)
    os.close(terminal)


def test_the_file_stays_what_it_was_when_the_descriptor_is_taken_away() -> None:
    """Since ansible-core 2.19 a task's process has /dev/null in its place."""
    reading, writing = os.pipe()
    terminal = Terminal(writing)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, writing)
    terminal.say("a line")
    assert os.read(reading, 100) == b"a line\n"
    for descriptor in (reading, writing, nothing):
        os.close(descriptor)


def test_without_a_standard_error_there_is_silence() -> None:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.close(descriptor)
    Terminal(descriptor).say("a line")


@pytest.mark.parametrize("line", ["x" * 5000, "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 2000, "\udc80 surrogate"])
def test_a_long_or_strange_line_is_one_short_line(line: str) -> None:
    reading, writing = os.pipe()
    Terminal(writing).say(line)
    shown = os.read(reading, 10000)
    assert len(shown) <= 512
    assert shown.endswith(b"\n")
    shown.decode()
    os.close(reading)
    os.close(writing)
