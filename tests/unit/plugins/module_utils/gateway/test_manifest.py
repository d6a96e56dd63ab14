# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to an IstioGateway, and what is refused before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.gateway.manifest import changes, check, manifest
from ansible_collections.meshops.asm.plugins.modules.asm_gateway import Gateway

_LOW = [{"name": "http", "port": 80, "target_port": 80}]
_ANNOTATION = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"


def options(**given: Any) -> dict[str, Any]:
    """Options as the module gets them: validated, with defaults and every unset option as None."""
    result = ArgumentSpecValidator(Gateway.options).validate({"mesh": "shop", **given})
    assert not result.error_messages
    return dict(result.validated_parameters)


def spec_of(**given: Any) -> dict[str, Any]:
    return dict(manifest(options(**given), given.get("clusters", []), {"shop-2": "c2"})["spec"])


def test_unset_options_are_left_out() -> None:
    assert manifest(options(), [], {}) == {
        "apiVersion": "istio.alibabacloud.com/v1beta1",
        "kind": "IstioGateway",
        "metadata": {"name": "ingressgateway", "namespace": "istio-system"},
        "spec": {"gatewayType": "ingress"},
    }


def test_clusters_are_sorted_ids() -> None:
    assert spec_of(clusters=["c2", "c1"])["clusterIds"] == ["c1", "c2"]


def test_labels_and_annotations_are_text() -> None:
    metadata = manifest(options(labels={"tier": 1}, annotations={"on": True}), [], {})["metadata"]
    assert metadata["labels"] == {"tier": "1"}
    assert metadata["annotations"] == {"on": "true"}


@pytest.mark.parametrize(
    ("balancer", "annotations"),
    [
        ({"address_type": "intranet"}, {"address-type": "intranet"}),
        ({"id": "lb-1", "force_override_listeners": True}, {"id": "lb-1", "force-override-listeners": "true"}),
        (
            {"spec": "slb.s1.small", "charge_type": "paybytraffic"},
            {"spec": "slb.s1.small", "charge-type": "paybytraffic"},
        ),
    ],
)
def test_load_balancer_becomes_annotations(balancer: dict[str, Any], annotations: dict[str, str]) -> None:
    spec = spec_of(load_balancer=balancer)
    assert spec["serviceAnnotations"] == {_ANNOTATION + key: value for key, value in annotations.items()}


def test_own_annotations_win_over_the_load_balancer_options() -> None:
    spec = spec_of(
        load_balancer={"spec": "slb.s1.small"}, service_annotations={_ANNOTATION + "spec": "slb.s2.small", "x": "y"}
    )
    assert spec["serviceAnnotations"] == {_ANNOTATION + "spec": "slb.s2.small", "x": "y"}


def test_network_load_balancer_and_fixed_address() -> None:
    spec = spec_of(load_balancer={"kind": "nlb", "ip": "192.0.2.7"})
    assert spec["loadBalancerClass"] == "alibabacloud.com/nlb"
    assert spec["loadBalancerIP"] == "192.0.2.7"
    assert "serviceAnnotations" not in spec
    assert "loadBalancerClass" not in spec_of(load_balancer={"kind": "clb"})


@pytest.mark.parametrize(
    ("port", "target"),
    [
        ({"name": "http", "port": 80}, 8080),
        ({"name": "https", "port": 443}, 8443),
        ({"name": "tcp", "port": 15443}, 15443),
        ({"name": "http", "port": 80, "target_port": 8081}, 8081),
    ],
)
def test_container_port_can_be_bound_by_the_proxy(port: dict[str, Any], target: int) -> None:
    (shown,) = spec_of(ports=[port])["ports"]
    assert shown == {"name": port["name"], "port": port["port"], "targetPort": target, "protocol": "TCP"}


def test_node_port_is_passed_on() -> None:
    assert spec_of(ports=[{"name": "http", "port": 80, "node_port": 30080}])["ports"][0]["nodePort"] == 30080


def test_autoscaling() -> None:
    wanted = {"min_replicas": 2, "max_replicas": 5, "cpu_utilization": 80, "memory_utilization": 70}
    spec = spec_of(autoscaling=wanted)
    assert spec["autoscaleEnabled"] is True
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 5)
    assert spec["cpu"] == {"targetAverageUtilization": 80}
    assert spec["memory"] == {"targetAverageUtilization": 70}
    assert spec_of(autoscaling={"enabled": False}) == {"gatewayType": "ingress", "autoscaleEnabled": False}


def test_resources_keep_only_what_is_set() -> None:
    spec = spec_of(resources={"limits": {"cpu": "2"}, "requests": {"memory": "256Mi"}})
    assert spec["resources"] == {"limits": {"cpu": "2"}, "requests": {"memory": "256Mi"}}


def test_plain_options_have_their_fields() -> None:
    spec = spec_of(
        type="egress",
        replicas=2,
        service_type="ClusterIP",
        external_traffic_policy="Local",
        pod_labels={"a": 1},
        pod_annotations={"b": "2"},
        service_labels={"c": "3"},
        node_selector={"d": "4"},
        tolerations=[{"operator": "Exists"}],
        env={"E": 5},
        host_network=True,
        run_as_root=True,
        spec={"kernel": {"enabled": True}},
    )
    assert spec == {
        "gatewayType": "egress",
        "replicaCount": 2,
        "serviceType": "ClusterIP",
        "externalTrafficPolicy": "Local",
        "podLabels": {"a": "1"},
        "podAnnotations": {"b": "2"},
        "serviceLabels": {"c": "3"},
        "nodeSelector": {"d": "4"},
        "tolerations": [{"operator": "Exists"}],
        "env": {"E": "5"},
        "hostNetwork": True,
        "runAsRoot": True,
        "kernel": {"enabled": True},
    }


def test_overrides_are_keyed_by_cluster_id() -> None:
    spec = spec_of(overrides=[{"cluster": "shop-2", "replicas": 3, "load_balancer": {"address_type": "intranet"}}])
    assert spec["overrides"] == {
        "c2": {"replicaCount": 3, "serviceAnnotations": {_ANNOTATION + "address-type": "intranet"}}
    }


def test_other_namespaces_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"namespace 'default'.*istio-system only") as caught:
        check(options(namespace="default"))
    assert caught.value.code == "WrongNamespace"


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ([{"name": "http", "port": 80}, {"name": "http", "port": 81}], "name http"),
        ([{"name": "http", "port": 80}, {"name": "other", "port": 80}], "port 80"),
        ([{"name": "http", "port": 0}], "outside 1 to 65535"),
        ([{"name": "http", "port": 60000, "target_port": 70000}], "outside 1 to 65535"),
        ([{"name": "http", "port": 80, "target_port": 80}], "nothing would listen there"),
    ],
)
def test_ports_that_cannot_work_are_refused(ports: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        check(options(ports=ports))
    with pytest.raises(InvalidInput, match=rf"for shop-2.*{words}"):
        check(options(overrides=[{"cluster": "shop-2", "ports": ports}]))


def test_root_may_bind_low_ports() -> None:
    check(options(ports=[{"name": "http", "port": 80, "target_port": 80}], run_as_root=True))


def test_a_port_of_each_protocol_makes_http3() -> None:
    ports = [{"name": "https", "port": 443}, {"name": "http3", "port": 443, "protocol": "UDP"}]
    assert check(options(ports=ports)) == []
    assert [(port["port"], port["protocol"]) for port in spec_of(ports=ports)["ports"]] == [(443, "TCP"), (443, "UDP")]
    with pytest.raises(InvalidInput, match="port 443/UDP"):
        check(options(ports=[*ports, {"name": "more", "port": 443, "protocol": "UDP"}]))


@pytest.mark.parametrize(
    "options_",
    [
        {"run_as_root": True},
        {"spec": {"runAsRoot": True}},
        {"run_as_root": True, "overrides": [{"cluster": "shop-2", "ports": _LOW}]},
    ],
)
def test_root_may_bind_low_ports_whoever_says_so(options_: dict[str, Any]) -> None:
    assert check(options(ports=_LOW, **options_)) == []


def test_low_ports_beside_a_setting_of_the_kernel_are_worth_a_warning() -> None:
    (warning,) = check(options(ports=_LOW, spec={"kernel": {"enabled": True}}))
    assert "port 80 has the container port 80" in warning and "ip_unprivileged_port_start" in warning


def test_spec_takes_nothing_away_from_other_options() -> None:
    spec = spec_of(
        load_balancer={"id": "lb-1"},
        pod_labels={"a": "1"},
        replicas=2,
        spec={"serviceAnnotations": {"x": "y"}, "podLabels": {"b": "2"}, "replicaCount": 3, "kernel": None},
        overrides=[{"cluster": "shop-2", "load_balancer": {"id": "lb-2"}, "spec": {"serviceAnnotations": {"z": "1"}}}],
    )
    assert spec["serviceAnnotations"] == {_ANNOTATION + "id": "lb-1", "x": "y"}
    assert spec["podLabels"] == {"a": "1", "b": "2"}
    # What both give is the spec's, as ever.
    assert (spec["replicaCount"], spec["kernel"]) == (3, None)
    assert spec["overrides"]["c2"]["serviceAnnotations"] == {_ANNOTATION + "id": "lb-2", "z": "1"}


def test_overrides_of_the_option_and_of_the_spec_are_both_there() -> None:
    spec = spec_of(
        overrides=[{"cluster": "shop-2", "replicas": 3}], spec={"overrides": {"c2": {"hostNetwork": True}, "c9": {}}}
    )
    assert spec["overrides"] == {"c2": {"replicaCount": 3, "hostNetwork": True}, "c9": {}}


def test_one_cluster_may_have_a_classic_load_balancer() -> None:
    spec = spec_of(load_balancer={"kind": "nlb"}, overrides=[{"cluster": "shop-2", "load_balancer": {"kind": "clb"}}])
    assert (spec["loadBalancerClass"], spec["overrides"]) == ("alibabacloud.com/nlb", {"c2": {"loadBalancerClass": ""}})


def test_clb_takes_a_class_away() -> None:
    params = options(load_balancer={"kind": "clb"})
    live = {"metadata": {"name": "ingressgateway", "namespace": "istio-system"}, "spec": {"gatewayType": "ingress"}}
    wanted = manifest(params, [], {})
    assert changes(live, wanted, params) == {}
    live["spec"]["loadBalancerClass"] = "alibabacloud.com/nlb"
    assert changes(live, wanted, params) == {"spec": {"loadBalancerClass": None}}
    assert changes(live, wanted, options()) == {}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"ports": [{"name": "http", "port": 80}]}, "ports"),
        ({"tolerations": [{"operator": "Exists"}]}, "tolerations"),
        ({"clusters": ["shop-1"]}, "clusterIds"),
    ],
)
def test_a_list_is_given_in_one_place(given: dict[str, Any], field: str) -> None:
    ((option, value),) = given.items()
    with pytest.raises(InvalidInput, match=rf"'it': {option} and spec\.{field} are one list, given twice"):
        check(options(name="it", **given, spec={field: [{"x": 1}]}))
    check(options(name="it", **given, spec={"kernel": {}}))
    check(options(name="it", spec={field: [{"x": 1}]}))
    if option != "clusters":
        override = {"cluster": "shop-2", option: value, "spec": {field: [{"x": 1}]}}
        with pytest.raises(InvalidInput, match=r"'it' for shop-2: .* given twice"):
            check(options(name="it", overrides=[override]))
