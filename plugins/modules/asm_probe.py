#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_probe
short_description: Send requests through a gateway and compare the answers with what is declared
version_added: 0.1.0
description:
  - Sends HTTP requests, tells their answers apart by a header, a part of the body or the status, and returns shares,
    status codes, latencies and throughput.
  - With O(expect) it fails when the answers are not as declared. A verdict on shares is made from as many requests as
    the wanted tolerance and confidence need, so that it does not depend on luck.
  - With O(address) neither credentials nor the SDKs of the cloud are needed, nor any Python library but h11, and
    jmespath for O(by.jmespath), so the module runs on any host from which the gateway is to be tried.
  - Proxies of the environment are not used, because what is asked about is the gateway itself.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.attributes.info
attributes:
  check_mode:
    details:
      - In C(check_mode) no request is sent. RV(requests) says how many would be.
options:
  mesh:
    description: Name or id of the mesh whose O(gateway) gets the requests. Needed with O(gateway).
    type: str
  gateway:
    description: Name of the gateway that gets the requests. One of O(gateway) and O(address) is needed.
    type: str
  cluster:
    description:
      - Name of the cluster whose entrance of O(gateway) is used. Unset means all of them in turn.
    type: str
  address:
    description:
      - Addresses that get the requests in turn, each a host name or IP address, with C(:port) where it is not O(port).
    type: list
    elements: str
  port:
    description: Port of the addresses. Unset means 80, and 443 with O(tls).
    type: int
  tls:
    description: Speaks TLS. V({}) means with the usual settings.
    type: dict
    suboptions:
      server_name:
        description: The name that is sent as SNI and that the certificate must be for. Unset means O(host).
        type: str
      ca:
        description:
          - Path of a file with the certificates of the authorities to trust on the host that runs the module, or their
            PEM text. Unset means those of the system.
        type: str
      verify:
        description: Whether the certificate is verified.
        type: bool
        default: true
      client_cert:
        description: Path of a client certificate in PEM format, for gateways that want one.
        type: path
      client_key:
        description: Path of its key. Unset means that it is in the same file.
        type: path
  host:
    description: The host that is asked for. Unset means the address itself.
    type: str
  path:
    description: The path with the query, %-encoded.
    type: str
    default: /
  method:
    description: The HTTP method.
    type: str
    default: GET
  headers:
    description: Headers to send.
    type: dict
    default: {}
  body:
    description: Text to send as body.
    type: str
  requests:
    description:
      - Several different requests that are sent in turn. What one does not say is as O(host), O(path), O(method),
        O(headers) (merged) and O(body) say.
    type: list
    elements: dict
    suboptions:
      name:
        description: What the results call it. Unset means its method, host and path.
        type: str
      host:
        description: The host that is asked for.
        type: str
      path:
        description: The path with the query, %-encoded.
        type: str
      method:
        description: The HTTP method.
        type: str
      headers:
        description: Headers to send besides O(headers).
        type: dict
      body:
        description: Text to send as body.
        type: str
  count:
    description:
      - How many requests are sent, at most 200000. Unset means as many as the verdict on O(expect) needs, else as
        many as fit into O(duration), else 100.
      - Fewer than a verdict on shares needs is an error that says how many it needs.
    type: int
  rate:
    description:
      - How many requests a second are begun, at most 20000. Unset means as many as O(concurrency) allows.
      - Latencies then count from the moment at which a request was due, so that a server that stalls cannot hide it.
    type: float
  concurrency:
    description: How many requests are under way at the same time, each on a connection of its own, at most 512.
    type: int
    default: 8
  duration:
    description: For how many seconds requests are begun, at most 3600. Unset means until O(count) is reached.
    type: float
  stop_file:
    description:
      - No request is begun any more once this file exists on the host that sends them. It must not exist before.
      - For a probe in the background that is to last as long as something else does, see the examples. O(duration) and
        O(count) then bound it.
    type: path
  timeout:
    description: For how many seconds a request may be under way.
    type: float
    default: 10.0
  retries:
    description:
      - How often a request that got no answer, or one of O(retry_statuses), is sent again, at most 10 times.
      - It counts as failed only when the last attempt failed. RV(retries) says how many there were.
    type: int
    default: 0
  retry_statuses:
    description: Status codes that are a reason to try again.
    type: list
    elements: int
    default: []
  by:
    description: What tells the answers apart. Exactly one of its options is needed.
    type: dict
    suboptions:
      header:
        description: The value of this header.
        type: str
      regex:
        description: What this regular expression finds in the body; its only group, if it has one.
        type: str
      jmespath:
        description: What this JMESPath expression finds in the body, which must be JSON.
        type: str
      status:
        description: The status code.
        type: bool
      slower_than:
        description: V(slower) for answers that took more than so many seconds, V(faster) for all others.
        type: float
  expect:
    description:
      - What must be seen. The task fails with every difference in its message otherwise.
      - Answers with a status of 400 or more count as failed, unless O(expect.status) or a split by status says
        otherwise.
    type: dict
    suboptions:
      split:
        description:
          - The percentage of the answers with each key, which must sum to 100. Keys that are not named must not occur.
          - With 0 or 100 percent, not one answer may be otherwise.
        type: dict
      even:
        description: Keys that must each have the same share, like the versions of an application without routing rules.
        type: list
        elements: str
      tolerance:
        description:
          - How many percentage points a share may differ from the declared one. A mesh that is off by twice as much is
            found out with the same confidence with which a right one passes.
        type: float
        default: 5.0
      confidence:
        description: With how many percent of certainty the verdict on all shares together is right.
        type: float
        default: 99.9
      status:
        description: Status codes that are expected. All others count as failed.
        type: list
        elements: int
      failed:
        description: How many percent of the requests may fail.
        type: float
        default: 0.0
      latency:
        description: The most seconds for each named figure.
        type: dict
        suboptions:
          mean:
            description: The arithmetic mean.
            type: float
          p50:
            description: The 50th percentile.
            type: float
          p90:
            description: The 90th percentile.
            type: float
          p95:
            description: The 95th percentile.
            type: float
          p99:
            description: The 99th percentile.
            type: float
          max:
            description: The slowest answer.
            type: float
      balancing:
        description:
          - How the instances of a service take turns, with a key in O(by) that names the instance, such as its pod.
          - Turns and independent choice are told apart by how evenly the instances occur in short windows.
        type: dict
        suboptions:
          policy:
            description: The load balancing of the DestinationRule.
            type: str
            required: true
            choices: [ROUND_ROBIN, RANDOM, LEAST_REQUEST]
          slow:
            description:
              - Key of an instance that is known to be slower than the others. V(LEAST_REQUEST) spares it, the other
                policies do not. Needed for V(LEAST_REQUEST), which looks like V(RANDOM) under even load. Use enough
                O(concurrency) for requests to pile up at the slow instance.
            type: str
          window:
            description:
              - How many requests a window has; 40 windows are looked at. Should be several times the number of
                instances, and of balancers in front of them.
            type: int
            default: 60
  compare:
    description:
      - Compares the answers of a new version with those that the stable one gives meanwhile, by a sequential test, and
        ends as soon as they can be told apart, as the role C(canary) does. The task fails unless the new version is
        found good.
      - O(expect.status) says which answers fail, and O(expect.failed) how many percent of the requests may fail that
        the new version did not answer; without O(expect) it is O(compare.margin).
      - Excludes O(wait_timeout), and of O(expect) what is about shares.
    type: dict
    suboptions:
      canary:
        description: The key in O(by) of the new version.
        type: str
        required: true
      stable:
        description: The key in O(by) of the stable version.
        type: str
        required: true
      share:
        description: How many percent of the requests the new version gets. Only foretells how many are needed.
        type: float
        required: true
      baseline:
        description:
          - How many percent of the requests O(compare.stable) gets, where others get some, too. Unset means all but
            O(compare.share).
        type: float
      margin:
        description: How many percentage points more of its answers may fail than of those of the stable version.
        type: float
        default: 1.0
      latency:
        description:
          - How many percentage points more of its answers may take longer than the named quantile of the stable one.
            With C(p95) 5, up to 10 % may take longer than 95 % of those of the stable one.
        type: dict
        suboptions:
          p50:
            description: The median.
            type: float
          p90:
            description: The 90th percentile.
            type: float
          p95:
            description: The 95th percentile.
            type: float
          p99:
            description: The 99th percentile.
            type: float
      false_rollback:
        description: In how many percent of the comparisons a version that is no worse may be found to be worse.
        type: float
        default: 5.0
      false_promotion:
        description: In how many percent of the comparisons a version that is worse by the margin may be found good.
        type: float
        default: 5.0
      expected:
        description:
          - How many percent of the answers of the stable version are expected to fail. Only foretells how many requests
            are needed.
        type: float
        default: 0.1
  wait_timeout:
    description:
      - For how many seconds the probe is repeated until all is as expected, because a mesh needs a moment to follow a
        change. With 0 there is one round.
    type: float
    default: 0.0
seealso:
  - module: meshops.asm.asm_verify
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: See which versions of reviews answer
  meshops.asm.asm_probe:
    mesh: bookinfo
    gateway: ingressgateway
    path: /api/v1/products/0/reviews
    by:
      regex: '"podname":\s*"(reviews-v\d)'
  register: probe

- name: Hold the mesh to its declared weights
  meshops.asm.asm_probe:
    address: [203.0.113.10]
    host: bookinfo.example.com
    path: /api/v1/products/0/reviews
    by:
      regex: '"podname":\s*"(reviews-v\d)'
    expect:
      split: {reviews-v1: 80, reviews-v2: 20}
      tolerance: 4
    wait_timeout: 30

- name: See whether the new version is as good as the stable one, with 5 % of the requests
  meshops.asm.asm_probe:
    address: [203.0.113.10]
    host: reviews.example.com
    by:
      header: x-meshops-version
    rate: 100
    compare: {canary: v2, stable: v1, share: 5, latency: {p95: 5}}

- name: See that a header leads to a version
  meshops.asm.asm_probe:
    address: [203.0.113.10]
    path: /api/v1/products/0/reviews
    headers: {end-user: jason}
    by:
      jmespath: reviews[0].rating.color
    expect:
      split: {black: 100}

- name: See that half of the requests are made to fail
  meshops.asm.asm_probe:
    address: [203.0.113.10]
    path: /ratings/0
    by:
      status: true
    expect:
      split: {200: 50, 503: 50}

- name: Keep an eye on the entrance from another host, by TLS, for a minute
  meshops.asm.asm_probe:
    address: [203.0.113.10]
    host: bookinfo.example.com
    path: /productpage
    tls: {ca: /etc/ssl/shop-ca.pem}
    rate: 20
    duration: 60
    expect:
      latency: {p99: 0.5}
  delegate_to: jump-host

- name: Send requests in the background, for ten minutes at most
  meshops.asm.asm_probe:
    mesh: bookinfo
    gateway: ingressgateway
    rate: 20
    duration: 600
    stop_file: /run/shop/stop
  async: 900
  poll: 0
  register: load

- name: Change something meanwhile
  ansible.builtin.include_role:
    name: meshops.asm.define

- name: End the requests
  ansible.builtin.file:
    path: /run/shop/stop
    state: touch
    mode: "0600"

- name: See what they met
  ansible.builtin.async_status:
    jid: "{{ load.ansible_job_id }}"
  register: met
  until: met.finished | int == 1
  retries: 30
  delay: 1
"""

RETURN = r"""
requests:
  description: How many requests were sent, or in check mode would be; V(0) there when only O(duration) bounds them.
  returned: success, or when something is not as expected
  type: int
  sample: 807
answered:
  description: How many of them were answered.
  returned: when requests were sent
  type: int
  sample: 807
failed_requests:
  description: How many of them were not answered, or with a status that is not expected.
  returned: when requests were sent
  type: int
  sample: 0
statuses:
  description: How many answers had each status code.
  returned: when requests were sent
  type: dict
  sample: {"200": 807}
errors:
  description: How many requests had each error.
  returned: when requests were sent
  type: dict
  sample: {"nothing listens on 203.0.113.10:80: connection refused": 3}
distribution:
  description:
    - The answers by their key, in percent, with the interval in which the true share is.
  returned: when requests were sent
  type: list
  elements: dict
  sample:
    - {key: reviews-v1, count: 651, percent: 80.67, low: 75.45, high: 85.0, declared: 80.0, ok: true}
    - {key: reviews-v2, count: 156, percent: 19.33, low: 15.0, high: 24.55, declared: 20.0, ok: true}
latency:
  description: Seconds from when a request was begun to the end of its answer.
  returned: when requests were sent
  type: dict
  sample: {min: 0.0021, max: 0.0412, mean: 0.0048, p50: 0.0041, p90: 0.0072, p95: 0.0091, p99: 0.0212}
throughput:
  description: Answers per second.
  returned: when requests were sent
  type: float
  sample: 1612.4
duration:
  description: How many seconds the last round took.
  returned: when requests were sent
  type: float
  sample: 0.501
retries:
  description: How many attempts came on top of the first ones.
  returned: when requests were sent
  type: int
  sample: 0
reconnects:
  description:
    - How many requests met a kept-alive connection that the server had just closed, and were sent anew at once, as
      browsers do.
  returned: when requests were sent
  type: int
  sample: 0
outage:
  description: Seconds between the first failed request and the end of the last one.
  returned: when requests were sent
  type: float
  sample: 0.0
by_request:
  description: The same in short for each of O(requests), when there are several.
  returned: when requests were sent
  type: list
  elements: dict
  sample:
    - {name: "GET shop.example.com/", requests: 50, failed: 0, statuses: {"200": 50}, keys: {v1: 50}}
by_address:
  description: The same in short for each address, when there are several.
  returned: when requests were sent
  type: list
  elements: dict
  sample:
    - {address: "203.0.113.10:80", requests: 50, failed: 0, statuses: {"200": 50}, keys: {v1: 50}}
excerpts:
  description: How an answer of each status of 400 or more began.
  returned: when requests were sent
  type: dict
  sample: {"503": no healthy upstream}
compare:
  description:
    - What O(compare) found when it ended. The verdict is V(good), V(worse), V(undecided), or V(lost) when too many
      requests failed that the new version did not answer; C(about) names what made it worse, V(failures) or a quantile.
    - In check mode C(needed), how many requests it usually takes to find a good version good, and C(most), after how
      many it ends at the latest.
  returned: with O(compare)
  type: dict
  sample:
    verdict: good
    about: ""
    requests: 7100
    lost: 0
    after: 71.2
    canary: {key: v2, requests: 349, failed: 0, percent: 0.0, p50: 0.0041, p90: 0.0072, p95: 0.0091, p99: 0.0212}
    stable: {key: v1, requests: 6751, failed: 5, percent: 0.07, p50: 0.004, p90: 0.0071, p95: 0.0092, p99: 0.0209}
    problem: ""
rounds:
  description: How many rounds it took until all was as expected, or O(wait_timeout) was over.
  returned: when requests were sent
  type: int
  sample: 1
converged_after:
  description: After how many seconds the last round began.
  returned: when requests were sent
  type: float
  sample: 0.0
table:
  description: Declared against observed, as lines of aligned text.
  returned: when requests were sent
  type: list
  elements: str
  sample:
    - "reviews-v1  declared 80 %  observed 80.67 %  (75.45 to 85 %)"
problems:
  description: A sentence for everything that is not as expected.
  returned: when requests were sent
  type: list
  elements: str
  sample: []
account:
  description: Whose account it was, see RV(meshops.asm.asm_mesh#module:account).
  returned: when the service was asked
  type: dict
  sample:
    source: the profile shop of /home/user/.aliyun/config.json
    access_key_id: LTAI***x7Qe
    region: cn-hangzhou
    account_id: "1234567890123456"
error:
  description: Why the task failed, see RV(meshops.asm.asm_mesh#module:error).
  returned: failure
  type: dict
  sample:
    code: NoAnswer
    message: "None of 20 requests was answered: nothing listens on 203.0.113.10:80: connection refused (20x)."
    request_id: ""
    http_status: null
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.gateway.addresses import gateway_addresses
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import Task, run_task
from ansible_collections.meshops.asm.plugins.module_utils.probe import engine, rounds
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import COMPARE_OPTIONS, PROBE_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Plan, make_plan


def planned(cloud: Cloud, params: dict[str, Any]) -> Plan:
    """What is to be sent where. Raises ``AsmError``."""
    try:
        addresses = params["address"] or gateway_addresses(
            cloud, params["mesh"], params["gateway"], params.get("cluster")
        )
    finally:
        cloud.close()
    plan = make_plan(params, addresses)
    if engine.stopped(plan):
        raise InvalidInput(f"stop_file {plan.stop_file} exists already, so no request would be sent. Remove it first.")
    return plan


def untried(plan: Plan) -> tuple[dict[str, Any], AsmError | None]:
    """How many requests it would take."""
    needs = {"compare": {"needed": plan.compare.needed(), "most": plan.count}} if plan.compare else {}
    return {"requests": plan.count, **needs}, None


def observed(plan: Plan) -> tuple[dict[str, Any], AsmError | None]:
    """What came of the requests, and the failure if something is not as expected."""
    result = rounds.observe(plan)
    problem = rounds.failure(result)
    result["table"] = rounds.table(result)
    # A key of the name failed means to Ansible that the task has.
    result["failed_requests"] = result.pop("failed")
    return result, problem


def main() -> None:
    def work(task: Task) -> dict[str, Any]:
        task.tell("sending requests")
        plan = planned(task.cloud, task.params)
        result, problem = task.sending(lambda: observed(plan), lambda: untried(plan))
        if problem:
            problem.details = {**problem.details, **result}
            raise problem
        return {"changed": False, **result}

    run_task(
        {
            "mesh": {"type": "str"},
            **PROBE_OPTIONS,
            "stop_file": {"type": "path"},
            "compare": {"type": "dict", "options": COMPARE_OPTIONS},
        },
        work,
        required_one_of=[("gateway", "address")],
        required_by={"gateway": ("mesh",)},
        mutually_exclusive=[("gateway", "address"), ("cluster", "address")],
    )


if __name__ == "__main__":
    main()
