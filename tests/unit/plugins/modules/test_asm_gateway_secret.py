# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of gateways: compared by fingerprint, rotated whatever the service does with one that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    InvalidInput,
    LostReply,
    NotFound,
    Refused,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.modules import asm_gateway_secret_info
from ansible_collections.meshops.asm.plugins.modules.asm_gateway_secret import GatewaySecret
from ansible_collections.meshops.asm.tests.unit.pem import Pair, pair

MESH = {"ServiceMeshInfo": {"ServiceMeshId": "cm", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}}
CLUSTERS = [{"ClusterId": "c1", "Name": "shop-1"}, {"ClusterId": "c2", "Name": "shop-2"}]
OLD, NEW = pair(days=(-80, 5)), pair()


class Site:
    """A mesh with a gateway in two clusters. ``answer`` is what the service does with a name that is there."""

    def __init__(self, answer: str = "refuse") -> None:
        self.answer = answer
        self.secrets: dict[str, Any] = {"c1": None, "c2": None}
        self.gateways: dict[str, list[str]] = {"in": ["c1", "c2"]}
        self.managed = ["c1", "c2"]
        self.fails: dict[str, str] = {}
        # The rows that the service lists instead of its own.
        self.rows: list[Any] | None = None

    def CreateGatewaySecret(self, Cert: str, Key: str, **named: str) -> Any:
        assert named == {"ServiceMeshId": "cm", "IstioGatewayName": "in", "SecretName": "tls"}
        if self.answer == "refuse" and any(self.secrets.values()):
            raise AsmError("The secret is there.", code="SecretAlreadyExists", http_status=400)
        record = {}
        for cluster in self.secrets:
            message = self.fails.get(cluster, "")
            if self.answer == "record" and self.secrets[cluster]:
                message = "secret existed"
            if not message:
                self.secrets[cluster] = Pair(Cert, Key).secret()
            record[cluster] = {"State": "fail" if message else "success", "ClusterId": cluster, "Message": message}
        return {"SecretCreateRecord": record}

    def DeleteGatewaySecret(self, **named: str) -> Any:
        assert named == {"ServiceMeshId": "cm", "IstioGatewayName": "in", "SecretName": "tls"}
        self.secrets = dict.fromkeys(self.secrets)
        return {"SecretDeleteRecord": {}}

    def DescribeGatewaySecretDetails(self, IstioGatewayName: str, **_mesh: str) -> Any:
        if self.rows is not None:
            return {"GatewaySecretDetails": self.rows}
        there = IstioGatewayName == "in" and any(self.secrets.values())
        return {"GatewaySecretDetails": [{"SecretName": "tls", "State": "normal"}] if there else None}


class FakeKube:
    def __init__(self, site: Site, cluster: str = "") -> None:
        self.site, self.cluster = site, cluster

    def get(self, path: str) -> Any:
        assert path == "/api/v1/namespaces/istio-system/secrets/tls"
        if isinstance(self.site, Late):
            self.site.looked()
        return self.site.secrets[self.cluster]

    def list(self, path: str) -> Any:
        assert path == gateways.COLLECTION
        return [{"metadata": {"name": name}, "spec": {"clusterIds": ids}} for name, ids in self.site.gateways.items()]

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def cloud_of(monkeypatch: pytest.MonkeyPatch, fake_cloud: Callable[..., Any]) -> Callable[..., Any]:
    def build(site: Site, meshes: Any = (MESH,), **faults: Any) -> Any:
        monkeypatch.setattr(gateways, "control_plane", lambda *_arguments: FakeKube(site))
        monkeypatch.setattr(access, "temporary_kubeconfig", lambda _cloud, cluster: cluster["cluster_id"])
        monkeypatch.setattr(gateways, "load", lambda text: text)
        monkeypatch.setattr(gateways, "KubeClient", lambda cluster, **_more: FakeKube(site, cluster))
        actions = {name: getattr(site, name) for name in dir(site) if name[0].isupper()}
        listed = [{"cluster_id": one, "name": f"shop-{one[1:]}"} for one in site.managed]
        known = {
            "DescribeServiceMeshes": {"ServiceMeshes": list(meshes)},
            "DescribeServiceMeshDetail": {"ServiceMesh": MESH},
            "DescribeClustersInServiceMesh": {"Clusters": CLUSTERS},
            "DescribeClustersV1": {"clusters": listed, "page_info": {"total_count": len(listed)}},
        }
        return fake_cloud(**{**known, **actions, **faults})

    return build


class Late(Site):
    """The first deletion gets no answer; it is done after so many looks at a cluster, 0 for never."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks
        self.deletions = 0

    def DeleteGatewaySecret(self, **named: str) -> Any:
        self.deletions += 1
        if self.deletions == 1:
            raise LostReply("No answer.", answered=False)
        return super().DeleteGatewaySecret(**named)

    def looked(self) -> None:
        self.looks -= self.deletions > 0
        if not self.looks and self.deletions:
            self.secrets = dict.fromkeys(self.secrets)


def resource(cloud: Any, **given: Any) -> GatewaySecret:
    spec = {**GatewaySecret.options, "state": {"default": "present"}, "wait_timeout": {"type": "int", "default": 5}}
    checked = ArgumentSpecValidator(spec).validate({"mesh": "shop", "gateway": "in", "name": "tls", **given})
    assert not checked.error_messages
    return GatewaySecret(checked.validated_parameters, cloud)


def run(cloud: Any, clock: Any, *, check: bool = False, **given: Any) -> Outcome:
    return reconcile(resource(cloud, **given), check=check, clock=clock, timeout=5)


def test_it_is_made_in_every_cluster_and_the_second_run_sends_nothing(cloud_of: Callable[..., Any], clock: Any) -> None:
    site = Site()
    cloud = cloud_of(site)
    predicted = run(cloud, clock, check=True, **NEW.options())
    assert cloud.written() == []
    done = run(cloud, clock, **NEW.options())
    assert cloud.written() == ["CreateGatewaySecret"]
    assert (done.plan.before, done.plan.after) == (predicted.plan.before, predicted.plan.after)
    assert done.value["clusters"] == predicted.value["clusters"]
    assert set(done.value["clusters"]) == {"shop-1", "shop-2"}
    assert (done.value["status"], done.value["days_left"]) == ("normal", 89)
    again = run(cloud, clock, **NEW.options())
    assert (again.changed, len(cloud.written())) == (False, 1)


def test_the_text_is_sent_as_a_file_has_it(cloud_of: Callable[..., Any], clock: Any) -> None:
    cloud = cloud_of(Site())
    run(cloud, clock, certificate=NEW.certificate.strip(), private_key=f"\n{NEW.key.strip()}")
    (sent,) = cloud.sent("CreateGatewaySecret")
    assert (sent["Cert"], sent["Key"]) == (NEW.certificate, NEW.key)


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        ("overwrite", ["CreateGatewaySecret"]),
        ("refuse", ["CreateGatewaySecret", "DeleteGatewaySecret", "CreateGatewaySecret"]),
        ("record", ["CreateGatewaySecret", "DeleteGatewaySecret", "CreateGatewaySecret"]),
    ],
)
def test_a_new_certificate_takes_the_place_of_the_old_one(
    cloud_of: Callable[..., Any], clock: Any, answer: str, sent: list[str]
) -> None:
    site = Site(answer)
    site.secrets = {"c1": OLD.secret(), "c2": OLD.secret()}
    cloud = cloud_of(site)
    done = run(cloud, clock, **NEW.options())
    assert cloud.written() == sent
    assert site.secrets == {"c1": NEW.secret(), "c2": NEW.secret()}
    assert done.plan.before["clusters"]["shop-1"] != done.plan.after["clusters"]["shop-1"]
    assert not run(cloud, clock, **NEW.options()).changed


def test_a_refusal_of_another_kind_deletes_nothing(cloud_of: Callable[..., Any], clock: Any) -> None:
    site = Site()
    site.secrets = {"c1": OLD.secret(), "c2": OLD.secret()}
    refusal = AsmError("Quota is used up.", code="QuotaExceeded", http_status=400)
    cloud = cloud_of(site, CreateGatewaySecret=refusal)
    with pytest.raises(AsmError, match="Quota"):
        run(cloud, clock, **NEW.options())
    assert cloud.written() == ["CreateGatewaySecret"]
    assert site.secrets["c1"] == OLD.secret()


def test_a_cluster_that_lacks_it_gets_it(cloud_of: Callable[..., Any], clock: Any) -> None:
    site = Site("overwrite")
    site.secrets["c1"] = NEW.secret()
    outcome = run(cloud_of(site), clock, **NEW.options())
    assert outcome.plan.before["clusters"]["shop-2"] is None
    assert site.secrets["c2"] == NEW.secret()


def test_a_cluster_that_could_not_be_written_is_a_failure_that_names_it(
    cloud_of: Callable[..., Any], clock: Any
) -> None:
    site = Site()
    site.fails = {"c2": "timeout"}
    with pytest.raises(AsmError, match=r"shop-2: timeout") as caught:
        run(cloud_of(site), clock, **NEW.options())
    assert caught.value.changed


def test_it_is_deleted_by_its_name(cloud_of: Callable[..., Any], clock: Any) -> None:
    site = Site()
    site.secrets = {"c1": OLD.secret(), "c2": None}
    cloud = cloud_of(site)
    assert run(cloud, clock, check=True, state="absent").changed
    assert cloud.written() == []
    done = run(cloud, clock, state="absent")
    assert (done.changed, done.value, cloud.written()) == (True, None, ["DeleteGatewaySecret"])
    assert not run(cloud, clock, state="absent").changed


def test_absence_of_what_was_never_there_is_no_change(cloud_of: Callable[..., Any], clock: Any) -> None:
    site = Site()
    assert not run(cloud_of(site), clock, state="absent").changed
    assert not run(cloud_of(site, meshes=()), clock, state="absent").changed
    site.gateways = {}
    assert not run(cloud_of(site), clock, state="absent").changed


@pytest.mark.parametrize("answer", ["refuse", "overwrite", "record"])
@pytest.mark.parametrize(
    "rows", [[], [{"SecretName": "tls", "GatewayName": "out"}], [{"SecretName": "other"}]], ids=str
)
def test_a_certificate_of_another_gateway_or_of_nobody_stays(
    cloud_of: Callable[..., Any], clock: Any, answer: str, rows: list[Any]
) -> None:
    """All gateways have their Secrets in one namespace, and so has everybody else: a name says not whose it is."""
    site = Site(answer)
    site.gateways["out"] = ["c1"]
    site.secrets["c1"], site.rows = OLD.secret(), rows
    cloud = cloud_of(site)
    with pytest.raises(Refused, match="istio-system/tls in shop-1 is not among the certificates"):
        run(cloud, clock, **NEW.options())
    for check in (True, False):
        left = run(cloud, clock, check=check, state="absent")
        assert (left.changed, left.value, left.plan.before) == (False, None, None)
        assert "another gateway has it" in left.plan.warnings[0]
    assert (cloud.written(), site.secrets["c1"]) == ([], OLD.secret())


def test_a_row_that_names_no_gateway_or_this_one_counts(cloud_of: Callable[..., Any], clock: Any) -> None:
    for row in ({"SecretName": "tls"}, {"SecretName": "tls", "GatewayName": "in"}):
        site = Site()
        site.secrets, site.rows = {"c1": OLD.secret(), "c2": None}, [row]
        assert run(cloud_of(site), clock, state="absent").changed


def test_what_had_to_be_deleted_for_another_one_is_told(cloud_of: Callable[..., Any], clock: Any) -> None:
    site = Site()
    site.secrets = {"c1": OLD.secret(), "c2": OLD.secret()}
    exists = AsmError("The secret is there.", code="SecretAlreadyExists", http_status=400)
    refusal = AsmError("Quota is used up.", code="QuotaExceeded", http_status=400)
    with pytest.raises(AsmError, match=r"Quota is used up\. The old certificate had to be deleted before") as caught:
        run(cloud_of(site, CreateGatewaySecret=[exists, refusal]), clock, **NEW.options())
    assert caught.value.changed


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_secret_of_another_type_stays(cloud_of: Callable[..., Any], clock: Any, state: str) -> None:
    site = Site()
    site.secrets["c2"] = NEW.secret("Opaque")
    cloud = cloud_of(site)
    with pytest.raises(Refused, match=r"not of type kubernetes.io/tls in shop-2 \(Opaque\)"):
        run(cloud, clock, state=state, **NEW.options())
    assert cloud.written() == []


def test_without_its_gateway_it_is_predicted_and_not_made(cloud_of: Callable[..., Any], clock: Any) -> None:
    site = Site()
    site.gateways = {"out": ["c1"]}
    cloud = cloud_of(site)
    predicted = run(cloud, clock, check=True, **NEW.options())
    assert predicted.plan.warnings == ("Gateway 'in' does not exist yet.",)
    with pytest.raises(NotFound, match="no gateway 'in'"):
        run(cloud, clock, **NEW.options())
    assert cloud.written() == []


def test_clusters_that_nobody_can_look_into(cloud_of: Callable[..., Any], clock: Any) -> None:
    site = Site()
    site.managed = ["c1"]
    predicted = run(cloud_of(site), clock, check=True, **NEW.options())
    assert "Not compared" in predicted.plan.warnings[0]
    site.managed = []
    with pytest.raises(Refused, match="no cluster that Container Service manages"):
        run(cloud_of(site), clock, check=True, **NEW.options())


@pytest.mark.parametrize("name", ["../tls", "TLS", "a/b", "-a", "a" * 254, "a b"])
def test_a_name_that_is_none(cloud_of: Callable[..., Any], name: str) -> None:
    with pytest.raises(InvalidInput, match="no name that Kubernetes takes"):
        resource(cloud_of(Site()), **{**NEW.options(), "name": name})


def test_a_service_that_quotes_the_key_is_not_repeated(cloud_of: Callable[..., Any], clock: Any) -> None:
    error = AsmError(f"bad key {NEW.key.splitlines()[1]}", code="InvalidKey", http_status=400)
    with pytest.raises(AsmError) as caught:
        run(cloud_of(Site(), CreateGatewaySecret=error), clock, **NEW.options())
    assert not [trace for trace in NEW.traces() if trace in str(caught.value.as_result())]


def test_info_lists_what_ends_soon(cloud_of: Callable[..., Any]) -> None:
    site = Site()
    site.secrets = {"c1": OLD.secret(), "c2": NEW.secret()}
    site.gateways["out"] = ["c1"]
    unset: dict[str, Any] = {"mesh": "shop", "gateway": None, "name": None, "within_days": None}

    def read(**given: Any) -> Any:
        return asm_gateway_secret_info.read({**unset, **given}, cloud_of(site))

    (found,) = read()
    assert (found["name"], found["gateway"], found["days_left"]) == ("tls", "in", 4)
    assert found["clusters"]["shop-2"]["days_left"] == 89
    assert (read(within_days=5), read(within_days=4)) == ([found], [])
    assert [one["gateway"] for one in read(name="tls")] == ["in", "out"]
    assert read(gateway="nothing") == []
    site.secrets["c2"]["data"]["tls.crt"] = ""
    assert read(within_days=0)[0]["clusters"]["shop-2"] is None
    with pytest.raises(InvalidInput, match="within_days"):
        read(within_days=-1)


@pytest.mark.parametrize(("looks", "deletions"), [(1, 1), (25, 1), (0, 2)])
def test_a_deletion_that_comes_late_does_not_meet_the_new_certificate(
    cloud_of: Callable[..., Any], clock: Any, looks: int, deletions: int
) -> None:
    site = Late(looks)
    site.secrets = dict.fromkeys(site.secrets, OLD.secret())
    outcome = reconcile(resource(cloud_of(site), **NEW.options()), check=False, clock=clock, timeout=600)
    assert outcome.changed
    for _more in range(100):
        site.looked()
    assert site.secrets == {"c1": NEW.secret(), "c2": NEW.secret()}
    assert site.deletions == deletions
