# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kube-controller-manager and kube-scheduler of one plane."""

from __future__ import annotations

from pathlib import Path

from meshlab.apiserver import ApiServer
from meshlab.files import write_private
from meshlab.keeper import Keeper
from meshlab.kubeconfig import certificate_kubeconfig
from meshlab.processes import Processes

#: What a data-plane cluster needs; a control plane without workloads needs only the last two.
CLUSTER_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "ttl-after-finished-controller",
    "horizontal-pod-autoscaler-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "disruption-controller",
    "persistentvolumeclaim-protection-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "node-lifecycle-controller",
    "pod-garbage-collector-controller",
    "namespace-controller",
    "garbage-collector-controller",
)
MESH_CONTROLLERS = ("namespace-controller", "garbage-collector-controller")

_YEARS = 10 * 365 * 24.0


def start_controller_manager(
    plane_id: str, server: ApiServer, *, binary: Path, processes: Processes, controllers: tuple[str, ...]
) -> Keeper:
    """Start a controller-manager with only the named controllers. Nobody watches it yet."""
    kubeconfig = component_kubeconfig(server, "system:kube-controller-manager")
    argv = [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        f"--root-ca-file={server.authority.certificate_file}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
        "--kube-api-qps=300",
        "--kube-api-burst=600",
    ]
    return _started(f"{plane_id}-controller-manager", argv, server, processes)


def start_scheduler(plane_id: str, server: ApiServer, *, binary: Path, processes: Processes) -> Keeper:
    """Start a scheduler. Nobody watches it yet."""
    kubeconfig = component_kubeconfig(server, "system:kube-scheduler")
    argv = [str(binary), f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0", "--profiling=false"]
    return _started(f"{plane_id}-scheduler", argv, server, processes)


def _started(name: str, argv: list[str], server: ApiServer, processes: Processes) -> Keeper:
    keeper = Keeper(processes, lambda: processes.start(name, argv, env={"GOGC": "50"}, cwd=server.folder))
    keeper.start()
    return keeper


def component_kubeconfig(server: ApiServer, user: str) -> Path:
    """A private kubeconfig file for one of a plane's own programs."""
    pair = server.authority.client(user, [], hours=_YEARS)
    text = certificate_kubeconfig(
        name="lab", server=server.url, ca_pem=server.authority.certificate_pem, user=user, pair=pair
    )
    return write_private(server.folder / f"{user.removeprefix('system:')}.kubeconfig", text)
