#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_mesh
short_description: Create, change and delete a service mesh
version_added: 0.1.0
description:
  - Makes a mesh of Alibaba Cloud Service Mesh (ASM, hosted Istio) match the options, or removes it.
  - Only options that are set are looked at. What is unset keeps its remote value, and at creation gets the default of
    the service.
  - Of an existing mesh only what differs is sent. An option that differs and cannot be changed in place is an error
    that names both values; nothing is changed then. Such options are marked as immutable below.
  - Creating a mesh also makes, at the account's cost, a load balancer for its API server (port 6443) and one for its
    control plane (port 15011), a security group, route entries of the VPC and, when asked for, an EIP.
  - Creation takes 2 to 3 minutes. After a lost reply the mesh is looked for by name, and no second one is ever made.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.attributes
  - meshops.asm.wait
options:
  name:
    description:
      - Name or id of the mesh. A name is looked for in O(region); one that fits several meshes is an error that lists
        them.
      - A mesh that does not exist is created under this name.
    type: str
    required: true
    aliases: [mesh]
  state:
    description:
      - V(present) creates the mesh or changes it.
      - V(absent) removes its gateways and waits until their load balancers are released, detaches its clusters, deletes
        it and waits until the service no longer lists it.
    type: str
    choices: [present, absent]
    default: present
  new_name:
    description:
      - Renames the mesh O(name). If a mesh of this name is there and none called O(name), the renaming is done.
    type: str
  wait_timeout:
    description:
      - For how many seconds a single wait may last; all steps of an upgrade together are one. Running into it is a
        failure that names the last state.
    type: int
    default: 1200
  tags:
    description:
      - Tags of the mesh, at most 20. Values become text. Keys that begin with C(acs:) or C(aliyun) are the platform's.
      - Unset leaves the tags as they are; an empty dictionary with O(purge_tags=true) removes them all.
    type: dict
  purge_tags:
    description:
      - Removes the tags that are not in O(tags). Has no effect when O(tags) is unset.
      - Tags of the platform, whose keys begin with C(acs:) or C(aliyun), always stay.
    type: bool
    default: true
  detach_clusters:
    description:
      - With O(state=absent), detaches the clusters of the mesh, one after the other, before deleting it.
      - With V(false), a mesh that has clusters is left alone and the task fails, as the service would refuse it.
    type: bool
    default: true
  release_gateways:
    description:
      - With O(state=absent) of a mesh that has clusters, removes all its gateways first. A gateway that outlives its
        mesh leaves its load balancers in the account, unused and billed.
      - This asks the control plane of the mesh and the API servers of its clusters. With V(false) neither is asked.
    type: bool
    default: true
  retain_resources:
    description:
      - Ids of cloud resources (load balancers, security group) that O(state=absent) is to leave in the account.
    type: list
    elements: str
  vpc_id:
    description: Id of the VPC of the mesh. Required to create one. Immutable.
    type: str
  vswitch_ids:
    description: Ids of the vSwitches of the mesh, usually one. Required to create one. Immutable.
    type: list
    elements: str
  version:
    description:
      - Version of the mesh, as in V(v1.22.6.109-g5ddeaef7-aliyun). It must be on offer in the account. Unset means the
        newest one at creation.
      - Without its build, as in V(v1.22.6), it stands for any build; a mesh is made with the newest one on offer.
      - V(latest) is the newest version of the mesh's edition. An existing mesh moves to it with O(upgrade=true), and
        stays what it is where the service offers it no newer one.
      - Immutable unless O(upgrade=true), which moves an existing mesh to a newer version. No mesh goes back.
    type: str
  resend:
    description:
      - Options that the service never shows, to be sent to a mesh that exists, each as its name (V(proxy.log_level)) or
        as that of a group (V(ca)).
      - Such an option is sent when the mesh is made. Afterwards nobody can tell whether the mesh has this value, so
        that a task that names it here sends it, and reports a change, in each run.
      - Where the creation of the mesh ends before such options are sent, a run that sets them sends them. Until then
        the mesh has the tag C(meshops-asm-unfinished), which results do not show.
      - Of O(ca) all but the type and the root key can be sent again, to a mesh that was made with an own authority.
    type: list
    elements: str
  upgrade:
    description:
      - Lets O(version) upgrade an existing mesh. The service decides where a step goes to; where O(version) is further
        away, one step follows the other. Before the first one, in check mode as well, the service's own check is asked
        whether this mesh can make it.
      - New sidecars come with the next restart of the applications' pods, which is not part of it.
    type: bool
    default: false
  upgrade_gateways:
    description:
      - With O(upgrade=true), brings these gateways to the version of the mesh, after its control plane. A name without
        namespace, as in V(ingressgateway), means C(istio-system:ingressgateway).
      - Those that are not named keep running with the version that they have.
    type: list
    elements: str
  cluster_spec:
    description:
      - Edition of the mesh. V(standard) is meant for up to 50 pods, V(enterprise) for up to 1000 and V(ultimate) for up
        to 10000.
    type: str
    choices: [standard, enterprise, ultimate]
  cluster_domain:
    description:
      - Domain of the services in all clusters of the mesh; C(cluster.local) is the usual one of Kubernetes. Immutable.
    type: str
  api_server_public_eip:
    description:
      - At creation, gives the API server of the mesh a new public address (EIP). The service's default is V(false).
      - On an existing mesh V(false) unbinds the address, while V(true) needs O(api_server_eip_id), as the service makes
        no EIP for a mesh that exists.
      - With O(api_server_eip_id) that EIP is bound at creation, too, and no new one is made.
    type: bool
  api_server_eip_id:
    description:
      - Id of the EIP through which the API server is reached from the internet. An empty text unbinds the one that is
        bound. To change it, unbind first.
      - The certificate of the API server takes up to some minutes to name the new address.
    type: str
  pilot_eip_id:
    description:
      - Id of the EIP through which proxies outside the VPC reach the control plane. An empty text unbinds the one that
        is bound. To change it, unbind first.
    type: str
  api_server_load_balancer_spec:
    description: Specification of the API server's load balancer (CLB). Used at creation only, never compared.
    type: str
    choices: [slb.s1.small, slb.s2.small, slb.s2.medium, slb.s3.small, slb.s3.medium, slb.s3.large]
  pilot_load_balancer_spec:
    description: Specification of the control plane's load balancer (CLB). Used at creation only, never compared.
    type: str
    choices: [slb.s1.small, slb.s2.small, slb.s2.medium, slb.s3.small, slb.s3.medium, slb.s3.large]
  charge_type:
    description:
      - How the load balancers of the mesh (not the mesh itself) are paid for, by use (V(PayOnDemand)) or in advance
        (V(PrePay)). Used at creation only, never compared.
    type: str
    choices: [PayOnDemand, PrePay]
  period:
    description: Months that are paid in advance with O(charge_type=PrePay). Used at creation only, never compared.
    type: int
  auto_renew:
    description: Renews the load balancers with O(charge_type=PrePay). Used at creation only, never compared.
    type: bool
  auto_renew_period:
    description:
      - Length of a renewal, in months when O(period) is shorter than a year and in years when it is longer. Used at
        creation only, never compared.
    type: int
  ambient_enabled:
    description: Makes a mesh in ambient mode, without sidecars. Used at creation only, never compared.
    type: bool
  acmg_enabled:
    description:
      - Makes a mesh in ACMG mode, in which shared proxies stand in for sidecars. Used at creation only, never compared.
    type: bool
  ca:
    description:
      - An own certificate authority for the identities in the mesh, as needed to move from an own Istio.
      - The service never shows these values. They are used at creation and with O(resend) only, never compared and
        never returned.
    type: dict
    suboptions:
      type:
        description:
          - V(1) is the self-signed authority of istiod (Secret C(istio-ca-secret)), described by O(ca.cert) and
            O(ca.key).
          - V(2) is a plugged-in authority (Secret C(cacerts)), described by O(ca.root_cert) and O(ca.root_key) besides.
        type: str
        choices: ["1", "2"]
      cert:
        description: Certificate of the authority, PEM in Base64.
        type: str
      key:
        description: Private key of O(ca.cert), PEM in Base64.
        type: str
      root_cert:
        description: Root certificate, PEM in Base64.
        type: str
      root_key:
        description: Private key of O(ca.root_cert), PEM in Base64.
        type: str
      cert_chain:
        description: Certificates from that of the authority to the root, at least two, PEM in Base64.
        type: str
  access_log:
    description: Access logs of sidecars and gateways.
    type: dict
    suboptions:
      enabled:
        description: Collects access logs in Simple Log Service. The service's default is V(false).
        type: bool
      project:
        description: Project of Simple Log Service that takes the access logs.
        type: str
      file:
        description: Where proxies write their access log, V(/dev/stdout), or an empty text for nowhere.
        type: str
      format:
        description: Format of an entry, JSON text that maps the fields of the log to operators of Envoy.
        type: str
      service_enabled:
        description: Sends access logs to a gRPC access log service of Envoy. The service's default is V(false).
        type: bool
      service_host:
        description: Host of the gRPC access log service.
        type: str
      service_port:
        description: Port of the gRPC access log service.
        type: int
      gateway_enabled:
        description: Collects the access logs of gateways.
        type: bool
      gateway_lifecycle:
        description: Days for which the access logs of gateways are kept.
        type: int
      sidecar_enabled:
        description: Collects the access logs of sidecars.
        type: bool
      sidecar_lifecycle:
        description: Days for which the access logs of sidecars are kept.
        type: int
  audit:
    description: Audit log of the API server of the mesh.
    type: dict
    suboptions:
      enabled:
        description:
          - Collects the audit log in Simple Log Service. The service's default is V(false).
          - With V(true), a project that somebody has deleted is made again.
        type: bool
      project:
        description: Project that takes the audit log. The service's default is C(mesh-log-) and the id of the mesh.
        type: str
  control_plane_log:
    description: Logs of the hosted control plane.
    type: dict
    suboptions:
      enabled:
        description: Collects the logs in Simple Log Service. The service's default is V(false).
        type: bool
      project:
        description: Project that takes the logs.
        type: str
      ttl_days:
        description: Days for which the logs are kept.
        type: int
  opa:
    description: Open Policy Agent (OPA) beside every sidecar.
    type: dict
    suboptions:
      enabled:
        description: Switches OPA on. The service's default is V(false).
        type: bool
      log_level:
        description: Least important messages that OPA logs, V(info), V(debug) or V(error).
        type: str
      scope_injected:
        description:
          - Whether OPA comes only to pods of namespaces with the label C(opa-istio-injection=enabled), which
            M(meshops.asm.asm_namespace) sets with its O(meshops.asm.asm_namespace#module:labels), instead of to all
            pods with a sidecar. Pods that run keep what they have. The service's default is V(false).
        type: bool
      injector:
        description: The pod that puts OPA into the pods of applications. Never shown, see O(resend).
        type: dict
        suboptions:
          requests:
            description: What the injector gets for certain.
            type: dict
            suboptions: &resources
              cpu:
                description: CPU as a Kubernetes quantity, as in V(500m). V(1) and V(1000m) are equal.
                type: str
              memory:
                description: Memory as a Kubernetes quantity, as in V(512Mi).
                type: str
          limits:
            description: What the injector gets at most.
            type: dict
            suboptions: *resources
      requests:
        description: What the OPA container gets for certain.
        type: dict
        suboptions: *resources
      limits:
        description: What the OPA container gets at most.
        type: dict
        suboptions: *resources
  proxy:
    description: The sidecar proxies.
    type: dict
    suboptions:
      requests:
        description: What the proxy container gets for certain.
        type: dict
        suboptions: *resources
      limits:
        description: What the proxy container gets at most.
        type: dict
        suboptions: *resources
      dns_proxying_enabled:
        description: Lets sidecars answer DNS queries of their pod. The service's default is V(false).
        type: bool
      lifecycle:
        description: Lifecycle hooks of the proxy, C(postStart) and C(preStop), as those of a container in Kubernetes.
        type: dict
      termination_drain_duration:
        description: For how long a proxy that is to end lets connections end first, as in V(5s).
        type: str
      init:
        description: The init container that redirects the traffic of a pod.
        type: dict
        suboptions:
          requests:
            description: What the init container gets for certain.
            type: dict
            suboptions: *resources
          limits:
            description: What the init container gets at most.
            type: dict
            suboptions: *resources
      concurrency:
        description: Worker threads of the proxy. V(0) is one for each CPU. Never shown, see O(resend).
        type: int
      log_level:
        description:
          - Least important messages that the proxy logs, as V(none), V(error), V(warn), V(info) or V(debug). Never
            shown, see O(resend).
        type: str
      hold_application_until_proxy_starts:
        description: Starts the containers of applications only when the proxy is ready. Never shown, see O(resend).
        type: bool
      interception_mode:
        description:
          - How traffic is led through the proxy. V(TPROXY) keeps the source address, V(REDIRECT) does not. Never shown,
            see O(resend).
        type: str
        choices: [REDIRECT, TPROXY]
      stats_matcher:
        description:
          - Which further statistics of Envoy the proxy reports, lists under C(inclusionPrefixes), C(inclusionSuffixes)
            and C(inclusionRegexps). Never shown, see O(resend).
        type: dict
      bootstrap_xds_agent_enabled:
        description: Loads the first configuration before the proxy starts. Never shown, see O(resend).
        type: bool
      smc_enabled:
        description:
          - Speeds connections between nodes up by shared memory over RDMA (SMC-R), where nodes have it. Never shown,
            see O(resend).
        type: bool
  pilot:
    description: The control plane (istiod).
    type: dict
    suboptions:
      trace_sampling:
        description: Share of the requests that are traced, in percent from 0 to 100.
        type: float
      trace_custom_tags:
        description:
          - Tags of spans by their name, each with one of C(literal) (C(value)), C(header) and C(environment) (both
            C(name) and C(defaultValue)). Never shown, see O(resend).
        type: dict
      trace_max_path_tag_length:
        description: Longest path of a request in a span. Never shown, see O(resend).
        type: str
      quic_listeners_enabled:
        description: Serves HTTP/3. The service's default is V(false).
        type: bool
      offloaded_workload_labels:
        description: Labels of isolated workloads, each as V(key=value). The order has no meaning.
        type: list
        elements: str
      http10_enabled:
        description: Accepts HTTP 1.0.
        type: bool
      sds_server_enabled:
        description: Gives certificates out by the Secret Discovery Service (SDS). The service's default is V(false).
        type: bool
      filter_gateway_cluster_config:
        description: Sends to gateways only the clusters that their routes refer to. The service's default is V(false).
        type: bool
      config_source_enabled:
        description: Takes services from an outside registry too. The service's default is V(false).
        type: bool
      config_source_nacos_id:
        description: Id of the Nacos registry for O(pilot.config_source_enabled).
        type: str
  sidecar_injector:
    description: The component that puts sidecars into pods.
    type: dict
    suboptions:
      enable_namespaces_by_default:
        description: Puts sidecars into the pods of all namespaces. The service's default is V(false).
        type: bool
      auto_injection_policy_enabled:
        description: Lets an annotation of the pod ask for a sidecar. The service's default is V(false).
        type: bool
      webhook:
        description: Further settings of the injector, as text in YAML or JSON.
        type: str
      requests:
        description: What the injector gets for certain.
        type: dict
        suboptions: *resources
      limits:
        description: What the injector gets at most.
        type: dict
        suboptions: *resources
      cni:
        description: The CNI plug-in, which redirects the traffic of pods instead of a privileged init container.
        type: dict
        suboptions:
          enabled:
            description: Switches the CNI plug-in on. The service's default is V(false).
            type: bool
          exclude_namespaces:
            description: Namespaces whose pods the CNI plug-in leaves alone. The order has no meaning.
            type: list
            elements: str
  kiali:
    description: The topology view of the mesh (Kiali).
    type: dict
    suboptions:
      enabled:
        description: Switches Kiali on, which needs O(telemetry=true). The service's default is V(false).
        type: bool
      integrate_clb:
        description: Makes a load balancer (CLB) for Kiali, which is billed. Never shown, see O(resend).
        type: bool
      arms_auth_tokens:
        description:
          - Tokens for the Prometheus instances of ARMS by the id of a cluster. Secret, and never shown, see O(resend).
        type: dict
      service_annotations:
        description: Annotations of Kiali's Service by the id of a cluster. Never shown, see O(resend).
        type: dict
  telemetry:
    description: Collects metrics with Prometheus. The service's default is V(false).
    type: bool
  tracing:
    description:
      - Sends traces to the tracing service, which has to be activated in the account. The service's default is
        V(false).
    type: bool
  customized_zipkin:
    description:
      - Sends traces to an own Zipkin instead. The service's default is V(false). From ASM 1.22.89 on the service has
        been seen to change this value by itself, so leave it unset there.
    type: bool
  customized_prometheus:
    description: Uses the Prometheus of O(prometheus_url). The service's default is V(false).
    type: bool
  prometheus_url:
    description:
      - Address of the own Prometheus for O(customized_prometheus=true). A password in it is compared and never shown.
    type: str
  trace_exporter:
    description: The proxy that exports traces. Never shown, see O(resend).
    type: dict
    suboptions:
      replicas:
        description: How many pods it has.
        type: str
      requests:
        description: What a pod gets for certain.
        type: dict
        suboptions: *resources
      limits:
        description: What a pod gets at most.
        type: dict
        suboptions: *resources
  auto_diagnosis_enabled:
    description: Checks the mesh whenever Istio resources change. The service's default is V(false).
    type: bool
  discovery_selectors:
    description:
      - Label selectors of Kubernetes, C(matchLabels) and C(matchExpressions). Of the clusters, the control plane
        follows the namespaces that one of them selects. An empty list means all namespaces. The order has no meaning.
    type: list
    elements: dict
  locality_lb:
    description: Load balancing that prefers endpoints close by.
    type: dict
    suboptions:
      enabled:
        description: Switches it on. The service's default is V(false).
        type: bool
      config:
        description:
          - Either C(failover), a list of C({from, to}) with regions, or C(distribute), a list of C(from) and C(to) with
            percentages by region, besides C(failoverPriority), as Istio's LocalityLoadBalancerSetting.
          - The order of rules has no meaning.
        type: dict
  outbound_traffic_policy:
    description: Whether sidecars let traffic to unknown hosts pass (V(ALLOW_ANY)) or not (V(REGISTRY_ONLY)).
    type: str
    choices: [ALLOW_ANY, REGISTRY_ONLY]
  include_ip_ranges:
    description: CIDR ranges whose traffic goes through the sidecar. The order has no meaning.
    type: list
    elements: str
  exclude_ip_ranges:
    description: CIDR ranges whose traffic goes past the sidecar. The order has no meaning.
    type: list
    elements: str
  exclude_inbound_ports:
    description: Ports of the pod whose incoming traffic goes past the sidecar. The order has no meaning.
    type: list
    elements: str
  exclude_outbound_ports:
    description: Ports whose outgoing traffic goes past the sidecar. The order has no meaning.
    type: list
    elements: str
  include_inbound_ports:
    description:
      - Ports of the pod whose incoming traffic goes through the sidecar, or V(*) alone for all. Never shown, see
        O(resend).
    type: list
    elements: str
  include_outbound_ports:
    description:
      - Ports whose outgoing traffic goes through the sidecar, whatever its address. Never shown, see O(resend).
    type: list
    elements: str
  node_feature_discovery:
    description: Labels on nodes that tell what their hardware can do (NFD).
    type: dict
    suboptions:
      enabled:
        description: Switches it on. The service's default is V(false).
        type: bool
      labels_pruned:
        description: Takes the labels away when it is switched off.
        type: bool
  component_scheduling:
    description:
      - C(nodeSelector) and C(tolerations) of all components that the mesh has in the clusters, gateways excepted. A
        change restarts them all. Never shown, see O(resend).
    type: dict
  cr_aggregation_enabled:
    description:
      - Lets the API servers of the clusters serve the Istio resources of the mesh (data-plane Kube API access). Ready 1
        to 2 minutes later. For the enterprise and ultimate editions from ASM 1.9.7.93 on.
    type: bool
  gateway_api_enabled:
    description: Accepts resources of the Kubernetes Gateway API. The service's default is V(false).
    type: bool
  cr_history_enabled:
    description: Keeps former versions of Istio resources, to go back to. The service's default is V(false).
    type: bool
  mse_enabled:
    description: Connects the mesh with Microservices Engine (MSE). The service's default is V(false).
    type: bool
  filters:
    description: Proxy filters for further protocols.
    type: dict
    suboptions:
      dubbo:
        description: The filter for Dubbo. The service's default is V(false).
        type: bool
      mysql:
        description: The filter for MySQL. The service's default is V(false).
        type: bool
      redis:
        description: The filter for Redis. The service's default is V(false).
        type: bool
      thrift:
        description: The filter for Thrift. The service's default is V(false).
        type: bool
      web_assembly:
        description: Deployment of filters in WebAssembly. The service's default is V(false).
        type: bool
  multi_buffer:
    description: Faster TLS by instructions of the CPU that work on several buffers at a time.
    type: dict
    suboptions:
      enabled:
        description: Switches it on. The service's default is V(true), the only switch of a mesh that starts so.
        type: bool
      poll_delay:
        description: How long the proxy collects operations before it computes them.
        type: str
seealso:
  - module: meshops.asm.asm_mesh_info
  - module: meshops.asm.asm_cluster
  - module: meshops.asm.asm_gateway
  - name: Alibaba Cloud Service Mesh
    description: Documentation of the service.
    link: https://www.alibabacloud.com/help/en/asm/
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: Create a mesh with the defaults of the service
  meshops.asm.asm_mesh:
    name: shop
    region: cn-hangzhou
    vpc_id: vpc-bp1example
    vswitch_ids: [vsw-bp1example]

- name: Create an enterprise mesh with a public API server, access logs and tracing
  meshops.asm.asm_mesh:
    name: shop
    region: cn-hangzhou
    vpc_id: vpc-bp1example
    vswitch_ids: [vsw-bp1example]
    version: v1.22.6.109-g5ddeaef7-aliyun
    cluster_spec: enterprise
    api_server_public_eip: true
    api_server_load_balancer_spec: slb.s2.small
    access_log:
      enabled: true
      project: shop-access
    telemetry: true
    tracing: true
    pilot:
      trace_sampling: 1.5
    proxy:
      requests:
        cpu: 100m
        memory: 128Mi
      limits:
        cpu: "2"
        memory: 1Gi
    outbound_traffic_policy: REGISTRY_ONLY
    tags:
      team: shop

- name: Change one setting of a mesh that exists, and leave all others alone
  meshops.asm.asm_mesh:
    name: shop
    region: cn-hangzhou
    sidecar_injector:
      cni:
        enabled: true
        exclude_namespaces: [kube-system, istio-system]

- name: Rename a mesh
  meshops.asm.asm_mesh:
    name: shop
    new_name: store

- name: Upgrade a mesh, and then its gateway
  meshops.asm.asm_mesh:
    name: shop
    region: cn-hangzhou
    version: v1.24.6.64-g0b8a1cd2-aliyun
    upgrade: true
    upgrade_gateways: [ingressgateway]

- name: Change what the service never shows, in this run only
  meshops.asm.asm_mesh:
    name: shop
    region: cn-hangzhou
    proxy:
      log_level: debug
    resend: [proxy.log_level]

- name: Let the control plane follow some namespaces only
  meshops.asm.asm_mesh:
    name: shop
    region: cn-hangzhou
    discovery_selectors:
      - matchLabels:
          mesh: shop

- name: Use an own certificate authority, without its keys in any output
  meshops.asm.asm_mesh:
    name: shop
    region: cn-hangzhou
    vpc_id: vpc-bp1example
    vswitch_ids: [vsw-bp1example]
    ca:
      type: "1"
      cert: "{{ lookup('ansible.builtin.file', 'ca-cert.pem') | b64encode }}"
      key: "{{ lookup('ansible.builtin.file', 'ca-key.pem') | b64encode }}"

- name: Say credentials and region once for all modules of the collection
  module_defaults:
    group/meshops.asm.asm:
      profile: production
      region: cn-hangzhou
  block:
    - name: Delete a mesh, and keep its security group
      meshops.asm.asm_mesh:
        name: shop
        state: absent
        retain_resources: [sg-bp1example]
      register: removal

    - name: Show what may still be billed
      ansible.builtin.debug:
        var: removal.may_remain
"""

RETURN = r"""
mesh:
  description:
    - The mesh afterwards. V(null) when it is absent.
    - In check mode the predicted mesh. One that is yet to be created has the keys of the options that are set only.
    - Besides the keys below it has one for each readable option, nested as the options are. What the service does not
      show of a setting has the empty value of its type.
  returned: success
  type: dict
  contains:
    id:
      description: Id of the mesh.
      returned: when the mesh exists
      type: str
      sample: c0123456789abcdef0123456789abcdef
    name:
      description: Name of the mesh.
      returned: always
      type: str
      sample: shop
    region:
      description: Region of the mesh.
      returned: always
      type: str
      sample: cn-hangzhou
    state:
      description: State as the service says it. C(running) is the one in which a mesh is ready.
      returned: when the mesh exists
      type: str
      sample: running
    error_message:
      description: What the service says about a state that is a failure.
      returned: when the mesh exists
      type: str
      sample: ""
    clusters:
      description: Ids of the attached clusters.
      returned: when the mesh exists
      type: list
      elements: str
      sample: [c1111111111111111111111111111111a]
    endpoints:
      description:
        - Addresses of the API server (C(api_server_private), C(api_server_public)) and of the control plane
          (C(pilot_private), C(pilot_public)). Empty where there is none.
      returned: when the mesh exists
      type: dict
      sample:
        api_server_private: https://192.168.1.10:6443
        api_server_public: https://198.51.100.7:6443
        pilot_private: 192.168.1.11:15011
        pilot_public: ""
    load_balancers:
      description: Ids of the load balancers in front of the API server and of the control plane.
      returned: when the mesh exists
      type: dict
      sample:
        api_server: lb-bp1apiserver
        pilot: lb-bp1pilot
    operator_cluster:
      description:
        - Id of the cluster whose add-on C(servicemesh-operator) has made the mesh, as the name of the mesh says; empty
          for any other. It may change back or make again what a task has changed or removed, which is a warning.
      returned: when the mesh exists
      type: str
      sample: ""
    security_group_id:
      description: Id of the security group of the mesh.
      returned: when the mesh exists
      type: str
      sample: sg-bp1example
    tags:
      description: Tags of the mesh.
      returned: always
      type: dict
      sample:
        team: shop
  sample:
    id: c0123456789abcdef0123456789abcdef
    state: running
    error_message: ""
    creation_time: "2026-03-02T09:14:06+08:00"
    operator_cluster: ""
    update_time: "2026-03-02T09:16:31+08:00"
    clusters:
      - c1111111111111111111111111111111a
    endpoints:
      api_server_private: https://192.168.1.10:6443
      api_server_public: https://198.51.100.7:6443
      pilot_private: 192.168.1.11:15011
      pilot_public: ""
    name: shop
    region: cn-hangzhou
    tags:
      team: shop
    api_server_public_eip: true
    api_server_eip_id: eip-bp1example
    pilot_eip_id: ""
    load_balancers:
      api_server: lb-bp1apiserver
      pilot: lb-bp1pilot
    security_group_id: sg-bp1example
    vpc_id: vpc-bp1example
    vswitch_ids:
      - vsw-bp1example
    version: v1.22.6.109-g5ddeaef7-aliyun
    cluster_spec: enterprise
    cluster_domain: cluster.local
    access_log:
      enabled: true
      project: shop-access
      file: /dev/stdout
      format: ""
      service_enabled: false
      service_host: ""
      service_port: 0
      gateway_enabled: false
      gateway_lifecycle: 0
      sidecar_enabled: false
      sidecar_lifecycle: 0
    audit:
      enabled: false
      project: ""
    control_plane_log:
      enabled: false
      project: ""
      ttl_days: 0
    opa:
      enabled: false
      log_level: info
      scope_injected: false
      requests:
        cpu: "1"
        memory: 512Mi
      limits:
        cpu: "2"
        memory: 1024Mi
    proxy:
      requests:
        cpu: 100m
        memory: 128Mi
      limits:
        cpu: "2"
        memory: 1Gi
      dns_proxying_enabled: false
      lifecycle: {}
      termination_drain_duration: 5s
      init:
        requests:
          cpu: ""
          memory: ""
        limits:
          cpu: ""
          memory: ""
    pilot:
      trace_sampling: 1.5
      quic_listeners_enabled: false
      offloaded_workload_labels: []
      http10_enabled: false
      sds_server_enabled: false
      filter_gateway_cluster_config: false
      config_source_enabled: false
      config_source_nacos_id: ""
    sidecar_injector:
      enable_namespaces_by_default: false
      auto_injection_policy_enabled: false
      webhook: ""
      requests:
        cpu: 1000m
        memory: 512Mi
      limits:
        cpu: 4000m
        memory: 2048Mi
      cni:
        enabled: true
        exclude_namespaces:
          - istio-system
          - kube-system
    kiali:
      enabled: false
    telemetry: true
    tracing: true
    customized_zipkin: false
    customized_prometheus: false
    prometheus_url: ""
    auto_diagnosis_enabled: false
    discovery_selectors: []
    locality_lb:
      enabled: false
      config: {}
    outbound_traffic_policy: REGISTRY_ONLY
    include_ip_ranges:
      - "*"
    exclude_ip_ranges: []
    exclude_inbound_ports: []
    exclude_outbound_ports: []
    node_feature_discovery:
      enabled: false
      labels_pruned: false
    cr_aggregation_enabled: true
    gateway_api_enabled: false
    cr_history_enabled: false
    mse_enabled: false
    filters:
      dubbo: false
      mysql: false
      redis: false
      thrift: false
      web_assembly: false
    multi_buffer:
      enabled: true
      poll_delay: 0.02s
may_remain:
  description:
    - What the account still has, or may have, and pays for after the mesh is deleted. What surely goes is not in it.
    - C(exists) is V(true) for what the service showed afterwards, and V(null) for what it cannot be asked for then
      (load balancers, security groups, log projects); C(note) says what is known.
    - C(retained) is V(true) for what O(retain_resources) asked to keep.
  returned: when O(state=absent) deleted the mesh, or would in check mode
  type: list
  elements: dict
  sample:
    - kind: eip
      id: eip-bp1example
      note: EIP of the API server, not released with the mesh (now Available)
      exists: true
      retained: false
    - kind: log_project
      id: shop-access
      note: "log project of the access log: was there before and is not released with the mesh"
      exists: null
      retained: false
    - kind: security_group
      id: sg-bp1example
      note: security group of the mesh, kept by retain_resources
      exists: null
      retained: true
account:
  description: Whose account it was. Absent when no credential was needed.
  returned: when the service was asked
  type: dict
  contains:
    source:
      description: Where the credential came from.
      type: str
      sample: "the profile shop of /home/user/.aliyun/config.json"
    access_key_id:
      description: Id of the AccessKey, without its middle part; empty where the SDK gets one by itself.
      type: str
      sample: LTAI***x7Qe
    region:
      description: The region that counts.
      type: str
      sample: cn-hangzhou
    account_id:
      description: Id of the account, where a role's ARN or a mesh's owner tells it; null before there is a mesh.
      type: str
      sample: "1234567890123456"
error:
  description: What went wrong, in a form for programs. The sentence for people is C(msg).
  returned: failure
  type: dict
  contains:
    code:
      description:
        - Error code of the service, or of the collection (C(Immutable), C(Ambiguous), C(NotFound), C(InvalidInput),
          C(Refused), C(LostReply), C(WaitFailed), C(WaitTimeout)).
      returned: always
      type: str
      sample: Immutable
    message:
      description: The same text as C(msg).
      returned: always
      type: str
      sample: Mesh "shop" exists with values that cannot be changed in place.
    request_id:
      description: Id of the request, for the support of the service. Empty when no request was answered.
      returned: always
      type: str
      sample: 2E8A5B8C-0C4F-5B1C-9B0B-1F6F3C7F9A11
    http_status:
      description: HTTP status of the answer, V(null) when none came.
      returned: always
      type: int
      sample: 400
  sample:
    code: ErrorPermitted.ClustersNotEmpty
    message: >-
      DeleteServiceMesh was refused with ErrorPermitted.ClustersNotEmpty: the mesh has clusters. Detach every cluster
      first (meshops.asm.asm_cluster), then delete the mesh.
    request_id: 2E8A5B8C-0C4F-5B1C-9B0B-1F6F3C7F9A11
    http_status: 400
last_state:
  description: The last state seen, when waiting for the mesh failed or took too long.
  returned: failure of a wait
  type: str
  sample: create_timeout
"""

import contextlib
from dataclasses import replace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud import tags
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    InvalidInput,
    Outrun,
    Refused,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    STALE_LOOKS,
    UPDATE,
    Plan,
    Progress,
    Steps,
    failed,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import (
    Changes,
    argument_spec,
    changes_between,
    create_parameters,
    overlay,
    refuse_wrong,
    unseen_changes,
)
from ansible_collections.meshops.asm.plugins.module_utils.gateway import mesh_removal
from ansible_collections.meshops.asm.plugins.module_utils.mesh import hidden, meshes, operators
from ansible_collections.meshops.asm.plugins.module_utils.mesh import upgrade as mesh_upgrade
from ansible_collections.meshops.asm.plugins.module_utils.mesh import versions as mesh_versions
from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource


class Mesh(ResourceModule):
    result = "mesh"
    wait_timeout = 1200
    options = {
        "name": {"type": "str", "required": True, "aliases": ["mesh"]},
        "new_name": {"type": "str"},
        "api_server_public_eip": {"type": "bool"},
        "api_server_eip_id": {"type": "str"},
        "pilot_eip_id": {"type": "str"},
        "tags": {"type": "dict"},
        "purge_tags": {"type": "bool", "default": True},
        "detach_clusters": {"type": "bool", "default": True},
        "release_gateways": {"type": "bool", "default": True},
        "retain_resources": {"type": "list", "elements": "str"},
        "resend": {"type": "list", "elements": "str"},
        "upgrade": {"type": "bool", "default": False},
        "upgrade_gateways": {"type": "list", "elements": "str"},
        **argument_spec(MESH_ATTRIBUTES),
    }

    region = ""
    # Looks in a row that missed the mesh, and whether any has seen it.
    misses = 0
    seen = False

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        self.removal = mesh_removal.Removal(cloud, params)
        self.resent = [] if self.wants_absence() else mesh_view.resent(params)
        if not self.wants_absence():
            refuse_wrong(MESH_ATTRIBUTES, params)

    def find(self) -> Any:
        listed = meshes.list_meshes(self.cloud)
        names = [name for name in (self.params["name"], self.params["new_name"]) if name]
        picked = [mesh for mesh in (meshes.pick_mesh(listed, name, self.cloud.region) for name in names) if mesh]
        if not picked and self.id and self.params["state"] == "present":
            # Created or seen by this task: the list lags behind.
            picked = [{"ServiceMeshInfo": {"ServiceMeshId": self.id}, "Tag": self._tags_unlisted()}]
        if not picked:
            self._check_creatable()
            return None
        self.id = meshes.mesh_id(picked[0])
        self.region = str(meshes.info(picked[0]).get("RegionId") or self.cloud.region or "")
        try:
            found = mesh_view.whole(self.cloud, picked[0])
            self.seen = True
            if self.params["state"] == "present":
                found["upgrade"] = mesh_upgrade.look(self.cloud, self.params, found["detail"])
            else:
                found["removal"] = self.removal.find(found)
            return found
        except AsmError as error:
            # The list may still show what is gone already.
            gone = error.code == "ServiceMesh.NotFound"
            if gone or (self.wants_absence() and meshes.is_gone(error) and self._left()):
                return None
            raise

    def _tags_unlisted(self) -> list[dict[str, str]]:
        """The tags of a mesh that the list does not show; those of the options where nobody tells them."""
        there: dict[str, str] = {}
        # A caller may do without the permission for an action that is needed for a moment only.
        with contextlib.suppress(AsmError):
            there = tags.unlisted_tags(self.cloud, self.id, str(self.cloud.region or ""))
        return tags.to_list({} if there else self.params["tags"] or {}) + [
            {"Key": key, "Value": value} for key, value in there.items()
        ]

    def _check_creatable(self) -> None:
        """What only a request can tell before a mesh is made: whether the version is on offer."""
        wanted = self.params["version"]
        if self.params["state"] == "absent" or not wanted:
            return
        offers = mesh_versions.offers(self.cloud)
        offered = mesh_versions.offered(offers)
        of_edition = mesh_versions.offered(offers, self.params["cluster_spec"])
        chosen = mesh_versions.newest(of_edition, wanted) or mesh_versions.newest(offered, wanted)
        if chosen is None:
            raise InvalidInput(
                f"version {wanted} is not offered. On offer: {', '.join(offered)}. Leave version unset for the newest."
            )
        self.params = {**self.params, "version": chosen}

    def plan(self, found: Any) -> Plan:
        plan = self._plan(found)
        if found is None or not plan.changed:
            return plan
        name = meshes.info(found["detail"]).get("Name")
        return replace(plan, warnings=(*plan.warnings, *operators.warnings(name, removal=plan.action == DELETE)))

    def _plan(self, found: Any) -> Plan:
        if self.params["state"] == "absent":
            return self._plan_removal(found)
        if found is None:
            return self._plan_creation()
        p = self.params
        if meshes.info(found["detail"]).get("State") == "deleting":
            raise Refused(f"Mesh '{p['name']}' is being deleted: run again once it is gone, or choose another name.")
        upgrade = mesh_upgrade.plan(p, found["detail"], found["upgrade"])
        changes = self._changes(found["detail"], upgrade)
        to_set, to_remove = tags.compare(p["tags"], found["tags"], p["purge_tags"])
        late = mesh_view.unseen(p) if found["unfinished"] else Changes()
        changes.add(late)
        to_remove += [tags.UNFINISHED] if late else []
        warnings = self._doubts(found, late)
        before = mesh_view.settings(found)
        if not changes and not to_set and not to_remove and not upgrade:
            return Plan(before=before, after=before, predicted=self.view(found), warnings=warnings)
        # What the service never shows cannot be seen to change either.
        after = overlay([row for row in MESH_ATTRIBUTES if row.read], before, p)
        after["name"] = p["new_name"] or after["name"]
        after["tags"] = {key: value for key, value in {**found["tags"], **to_set}.items() if key not in to_remove}
        after.update(mesh_view.wanted_addresses(p))
        # A name that stands for several builds is the one that is there, or the one to come.
        after["version"] = upgrade.version or before["version"]
        predicted = {**self.view(found), **after}
        if "ReActivateAudit" in changes.calls:
            before["audit_project"], after["audit_project"] = "missing", "there"
        if late:
            before["unfinished"], after["unfinished"] = True, False
        if self.resent:
            # Nobody sees what was there before.
            before["resent"], after["resent"] = [], [row.option for row in self.resent]
        if upgrade.gateways:
            states = found["upgrade"]["gateways"]
            before["gateway_versions"] = {name: (states.get(name) or {}).get("Version") for name in upgrade.gateways}
            after["gateway_versions"] = dict.fromkeys(upgrade.gateways, after["version"])
        sides = hidden.pictures(before, after, another=_alike(changes, found["detail"]))
        return Plan(UPDATE, *sides, (changes, to_set, to_remove, upgrade), predicted, warnings)

    def _changes(self, detail: Any, upgrade: mesh_upgrade.Upgrade) -> Changes:
        """What has to be sent but for tags and the upgrade."""
        p = self.params
        compared = {**p, "version": None} if upgrade.version else p
        changes = changes_between(MESH_ATTRIBUTES, compared, detail, f"Mesh '{p['name']}'")
        changes.add(unseen_changes(self.resent, p))
        mesh_view.plan_addresses(p, detail, changes)
        if mesh_view.lacks_audit_project(p, detail):
            changes.calls["ReActivateAudit"] = {"EnableAudit": True}
        if p["new_name"] and p["new_name"] != meshes.info(detail).get("Name"):
            changes.calls["ModifyServiceMeshName"] = {"Name": p["new_name"]}
        return changes

    def _doubts(self, found: Any, late: Changes) -> tuple[str, ...]:
        if late or not found["unfinished"]:
            return ()
        return (
            f"The creation of mesh '{self.params['name']}' was interrupted before settings were sent that the service "
            f"never shows. Run the task again that sets them. Until then the mesh has the tag {tags.UNFINISHED}.",
        )

    def _plan_creation(self) -> Plan:
        p = {**self.params, "region": self.cloud.region}
        missing = [name for name in ("region", "vpc_id", "vswitch_ids") if not p[name]]
        if missing:
            raise InvalidInput(
                f"Mesh '{p['name']}' does not exist, and creating it needs {', '.join(missing)}. If it should exist, "
                "check its name and region."
            )
        mesh_view.refuse_contradictions(p)
        after = overlay(MESH_ATTRIBUTES, {}, p)
        after.update(name=p["new_name"] or p["name"], region=p["region"], tags=tags.compare(p["tags"], {}, False)[0])
        after.update(mesh_view.wanted_addresses(p))
        return Plan(CREATE, None, after)

    def _plan_removal(self, found: Any) -> Plan:
        if found is None or meshes.info(found["detail"]).get("State") == "deleting":
            return Plan()
        attached = found["detail"].get("Clusters") or []
        if attached and not self.params["detach_clusters"]:
            raise Refused(
                f"Mesh '{self.params['name']}' still has {len(attached)} cluster(s): {', '.join(attached)}. "
                "Detach them first, or leave detach_clusters at its default."
            )
        before, after = self.removal.diff(found["removal"])
        return Plan(DELETE, before, after, found["removal"])

    def apply(self, plan: Plan) -> Steps:
        if plan.action == CREATE:
            return self._create()
        if plan.action == DELETE:
            return self.removal.carry_out(self.id, plan.changes)
        return self._update(*plan.changes)

    def _create(self) -> Steps:
        p = self.params
        self.region = str(self.cloud.region or "")
        late = mesh_view.unseen(p)
        mark = [{"Key": tags.UNFINISHED, "Value": "true"}] if late else []
        try:
            reply = self.cloud.asm(
                "CreateServiceMesh",
                RegionId=self.cloud.region,
                Name=p["new_name"] or p["name"],
                # An EIP that is there is bound once the mesh runs; creation would make one more.
                ApiServerPublicEip=None if p["api_server_eip_id"] else p["api_server_public_eip"],
                UseExistingCA=True if p["ca"] else None,
                Tag=[*tags.to_list(p["tags"] or {}), *mark] or None,
                **create_parameters(MESH_ATTRIBUTES, p),
            )
        except AsmError as error:
            # Another run may have made it since it was looked for.
            if "NameAlreadyExist" not in error.code or self.find() is None:
                raise
            raise Outrun(error.message, code=error.code, http_status=error.http_status) from error
        self.id = str(reply["ServiceMeshId"])
        if mesh_view.needs_second_step(p):
            yield self._running
            detail = meshes.describe_mesh(self.cloud, self.id)
            changes = changes_between(MESH_ATTRIBUTES, p, detail, f"Mesh '{p['name']}'")
            changes.add(late)
            mesh_view.plan_addresses(p, detail, changes)
            yield from self._update(changes, {}, [tags.UNFINISHED] if late else [])

    def _update(
        self, changes: Any, to_set: dict[str, str], to_remove: list[str], upgrade: mesh_upgrade.Upgrade | None = None
    ) -> Steps:
        if upgrade:
            # First: what else is to be set may need the new version.
            wait = bool(self.params.get("wait", True) or changes)
            timeout = self.params["wait_timeout"]
            yield from mesh_upgrade.run(self.cloud, self.id, upgrade, wait=wait, timeout=timeout)
        if "UpdateControlPlaneLogConfig" in changes.calls:
            # The action takes the whole setting: its switch has to be there whatever else changes.
            enabled = (self.params["control_plane_log"] or {}).get("enabled")
            changes.calls["UpdateControlPlaneLogConfig"].setdefault("Enabled", enabled is not False)
        for action, parameters in changes.calls.items():
            yield self.settled
            self.cloud.asm(action, ServiceMeshId=self.id, **parameters)
        tags.apply(self.cloud, self.id, self.region, to_set, to_remove)

    def _left(self) -> bool:
        """Whether the list, which alone tells it from a missing permission, does not show the mesh (any more)."""
        return bool(self.id) and meshes.listed(self.cloud, self.id) is None

    def vanished(self, error: AsmError) -> str:
        # Its own deletion is what a removal waits for.
        if self.wants_absence() or not self.seen or not self._may_mean_gone(error):
            return ""
        try:
            listed = meshes.listed(self.cloud, self.id)
        except AsmError:
            return ""
        gone = listed is None or meshes.info(listed).get("State") == "deleting"
        return meshes.deleted_meanwhile(self.params["name"], listed) if gone else ""

    def progress(self, plan: Plan) -> Progress:
        if self.params["state"] == "absent":
            return self.removal.progress(self.id)
        running = self._running()
        upgrade = plan.changes[3] if plan.action == UPDATE else None
        if not running.done or not upgrade:
            return running
        if upgrade.gateways:
            return mesh_upgrade.gateways_progress(self.cloud, self.id, upgrade.gateways)
        return mesh_upgrade.version_progress(self.cloud, self.id, upgrade.version)

    def _running(self) -> Progress:
        """How far the mesh is on the way to its state running; a read may lag behind its creation."""
        try:
            progress = meshes.state_progress(meshes.describe_mesh(self.cloud, self.id))
        except AsmError as error:
            if not meshes.is_gone(error):
                raise
            self.misses += 1
            gone = self.seen and self.misses > 1 and self._left()
            if gone or self.misses >= STALE_LOOKS:
                return failed(f"Mesh {self.id} disappeared while waiting for it: {error.message}")
            return waiting(f"mesh '{self.params['name']}' to show up")
        self.misses = 0
        self.seen = True
        return progress

    def view(self, found: Any) -> Any:
        return None if found is None else mesh_view.view(found)

    def wrote(self) -> bool:
        return super().wrote() or self.removal.wrote()

    def extra(self, plan: Plan) -> dict[str, Any]:
        return {"may_remain": self.removal.remaining(plan.changes)} if plan.action == DELETE else {}


def _alike(changes: Changes, detail: Any) -> bool:
    """Whether a setting is changed in nothing that may be shown: the password in a URL."""
    changed = [row for row in MESH_ATTRIBUTES if row.type == "url" and row.option in changes.options]
    return any(row.looks_like(changes.options[row.option], row.current(detail)) for row in changed)


def main() -> None:
    run_resource(Mesh)


if __name__ == "__main__":
    main()
