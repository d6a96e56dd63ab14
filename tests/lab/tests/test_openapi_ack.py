# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ACK through the official SDK."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import yaml
from alibabacloud_cs20151215 import models
from alibabacloud_cs20151215.client import Client as CsClient
from conftest import cluster_id, config, plane_of, refused, user_named
from meshlab.lab import Lab


def _ids(cs: CsClient, **filters: Any) -> list[str]:
    body = cs.describe_clusters_v1(models.DescribeClustersV1Request(**{"page_size": 50, **filters})).body
    return [one.cluster_id for one in body.clusters]


def test_clusters_are_listed_in_pages(cs: CsClient, cloud: Lab) -> None:
    everything = _ids(cs)
    page = cs.describe_clusters_v1(models.DescribeClustersV1Request(page_number=2, page_size=4)).body
    assert [one.cluster_id for one in page.clusters] == everything[4:8]
    assert (page.page_info.total_count, page.page_info.page_number) == (len(everything), 2)
    assert cluster_id(cloud, "garage") not in everything


def test_clusters_are_filtered(cs: CsClient, cloud: Lab) -> None:
    assert _ids(cs, name="shop-1") == [cluster_id(cloud, "shop-1")]
    assert len(_ids(cs, name="shop-")) > 3
    assert _ids(cs, profile="Serverless") == [cluster_id(cloud, "shop-serverless")]
    assert _ids(cs, cluster_type="ExternalKubernetes") == [cluster_id(cloud, "shop-registered")]
    assert len(_ids(cs, name="twin")) == 2
    assert len(_ids(cs, name="twin", region_id="cn-beijing")) == 1


def test_the_detail_of_a_cluster(cs: CsClient, cloud: Lab) -> None:
    shop = cluster_id(cloud, "shop-1")
    detail = cs.describe_cluster_detail(shop).body
    assert (detail.name, detail.state, detail.vpc_id) == ("shop-1", "running", "vpc-lab-shop")
    urls = json.loads(detail.master_url)
    assert urls["intranet_api_server_endpoint"] == plane_of(cloud, shop).private_url
    error = refused(lambda: cs.describe_cluster_detail("cnone"))
    assert (error.code, error.statusCode) == ("ErrorClusterNotFound", 404)


def _config(cs: CsClient, cluster: str, **more: Any) -> Any:
    return cs.describe_cluster_user_kubeconfig(cluster, models.DescribeClusterUserKubeconfigRequest(**more)).body


def _user(text: str) -> dict[str, Any]:
    user: dict[str, Any] = yaml.safe_load(text)["users"][0]
    return user


def test_kubeconfigs_of_the_administrator(cs: CsClient, cloud: Lab) -> None:
    shop = cluster_id(cloud, "shop-1")
    plane = plane_of(cloud, shop)
    body = _config(cs, shop, private_ip_address=True)
    name = _user(body.config)["name"]
    assert (plane.private_url in body.config, plane.roles) == (True, {name: "cluster-admin"})
    assert _config(cs, shop, private_ip_address=True).config == body.config
    public = _config(cs, shop)
    assert plane.private_url not in public.config
    assert next(iter(plane.published)) in public.config
    v2 = models.DescribeClusterV2UserKubeconfigRequest(private_ip_address=True)
    assert cs.describe_cluster_v2user_kubeconfig(shop, v2).body.config == body.config


def test_short_lived_kubeconfigs(cs: CsClient, cloud: Lab) -> None:
    shop = cluster_id(cloud, "shop-1")
    body = _config(cs, shop, private_ip_address=True, temporary_duration_minutes=30)
    assert _user(body.config)["hours"] == 0.5
    expires = datetime.fromisoformat(body.expiration.replace("Z", "+00:00"))
    assert timedelta(minutes=29) < expires - datetime.now(timezone.utc) < timedelta(minutes=31)
    wrong = refused(lambda: _config(cs, shop, temporary_duration_minutes=5))
    assert wrong.code == "InvalidParameter"


def test_a_cluster_without_public_api_server(cs: CsClient, cloud: Lab) -> None:
    assert refused(lambda: _config(cs, cluster_id(cloud, "shop-3"))).code == "ErrorClusterNoPublicEndpoint"
    assert refused(lambda: _config(cs, cluster_id(cloud, "shop-stopped"))).code == "ErrorClusterState"


def test_others_get_a_kubeconfig_without_rights(cloud: Lab) -> None:
    shop = cluster_id(cloud, "shop-1")
    operator = CsClient(config(cloud, "cs", user_named(cloud, "operator")))
    name = _user(_config(operator, shop, private_ip_address=True).config)["name"]
    assert name not in plane_of(cloud, shop).roles
    denied = CsClient(config(cloud, "cs", user_named(cloud, "denied")))
    assert refused(lambda: _config(denied, shop)).code == "Forbidden.RAM"


def test_revoking(cs: CsClient, cloud: Lab) -> None:
    shop = cluster_id(cloud, "shop-1")
    old = _user(_config(cs, shop, private_ip_address=True).config)["name"]
    cs.revoke_k8s_cluster_kube_config(shop)
    assert plane_of(cloud, shop).roles == {}
    assert _user(_config(cs, shop, private_ip_address=True).config)["name"] != old


def test_who_has_kubeconfigs(cs: CsClient, cloud: Lab) -> None:
    shop = cluster_id(cloud, "shop-1")
    _config(cs, shop, private_ip_address=True)
    states = cs.list_cluster_kubeconfig_states(shop, models.ListClusterKubeconfigStatesRequest()).body.states
    assert [(one.account_name, one.account_type) for one in states] == [("main", "RootAccount")]


def test_resources_of_a_cluster(cs: CsClient, cloud: Lab) -> None:
    request = models.DescribeClusterResourcesRequest()
    rows = cs.describe_cluster_resources(cluster_id(cloud, "shop-1"), request).body
    assert {row.resource_type for row in rows} == {
        "ALIYUN::ECS::VPC",
        "ALIYUN::ECS::SecurityGroup",
        "ALIYUN::VPC::EIP",
    }


def test_tags(cs: CsClient, cloud: Lab) -> None:
    shop = cluster_id(cloud, "shop-2")
    where = {"region_id": "cn-hangzhou", "resource_type": "CLUSTER", "resource_ids": [shop]}

    def tags() -> dict[str, str]:
        found = cs.list_tag_resources(models.ListTagResourcesRequest(**where)).body.tag_resources.tag_resource
        return {one.tag_key: one.tag_value for one in found}

    assert tags() == {"team": "shop"}
    cs.tag_resources(models.TagResourcesRequest(**where, tags=[models.Tag(key="env", value="dev")]))
    assert tags() == {"team": "shop", "env": "dev"}
    cs.untag_resources(models.UntagResourcesRequest(**where, tag_keys=["team"]))
    assert tags() == {"env": "dev"}
    cs.modify_cluster_tags(shop, models.ModifyClusterTagsRequest(body=[models.Tag(key="a", value="b")]))
    assert tags() == {"a": "b"}


def test_the_rest_of_ack_is_not_there(cs: CsClient, cloud: Lab) -> None:
    error = refused(
        lambda: cs.describe_cluster_node_pools(cluster_id(cloud, "shop-1"), models.DescribeClusterNodePoolsRequest())
    )
    assert (error.code, error.statusCode) == ("Lab.NotImplemented", 501)


@pytest.mark.parametrize("wrong", [{"page_size": 0}, {"page_number": 0}])
def test_pages_that_are_none(cs: CsClient, wrong: dict[str, int]) -> None:
    assert refused(lambda: _ids(cs, **wrong)).code == "InvalidParameter"
