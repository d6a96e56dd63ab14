# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of CLOUD_OPTIONS (module_utils/cloud/credentials.py) and what they need on the target."""

    DOCUMENTATION = r"""
requirements:
  - python >= 3.10
  - alibabacloud_servicemesh20200111
  - alibabacloud_cs20151215
  - alibabacloud_credentials
notes:
  - The requirements are needed on the host that runs the module, usually the controller (C(connection=local)).
  - A credential comes whole from one source, the first of these that is there - the options O(access_key_id) and
    O(access_key_secret); the option O(profile); an AccessKey in the variables C(ALIBABA_CLOUD_*); an OIDC token
    (E(ALIBABA_CLOUD_ROLE_ARN), E(ALIBABA_CLOUD_OIDC_PROVIDER_ARN) and E(ALIBABA_CLOUD_OIDC_TOKEN_FILE)); the variables
    C(ALICLOUD_*), unless a variable of the first family names a profile, file or URI; the configuration of the Alibaba
    Cloud CLI; the credentials file; the RAM role of the instance; a credentials URI. This is the order of the official
    SDK with options before it. A source that is there but incomplete is an error.
  - Say credentials, region and endpoints once per play with C(module_defaults) for the action group
    C(group/meshops.asm.asm).
  - Throttled calls, server errors and lost connections are tried again for O(api_timeout) seconds. A write whose
    outcome is unknown is looked up first and never blindly repeated.
options:
  access_key_id:
    description:
      - Id of the AccessKey with which the calls are signed. Needs O(access_key_secret), whatever the environment holds.
      - Without the options of a credential, the variables E(ALIBABA_CLOUD_ACCESS_KEY_ID), or else
        E(ALICLOUD_ACCESS_KEY_ID) or E(ALICLOUD_ACCESS_KEY), count together with the secret of the same family.
    type: str
  access_key_secret:
    description:
      - Secret of the AccessKey. Required when O(access_key_id) is set.
      - The variables are E(ALIBABA_CLOUD_ACCESS_KEY_SECRET), or else E(ALICLOUD_SECRET_ACCESS_KEY) or
        E(ALICLOUD_SECRET_KEY).
    type: str
  security_token:
    description:
      - Token that belongs to a temporary AccessKey of the Security Token Service (STS), given by O(access_key_id).
      - The variables are E(ALIBABA_CLOUD_SECURITY_TOKEN), or else E(ALICLOUD_SECURITY_TOKEN); each belongs to the
        AccessKey of its family.
    type: str
  profile:
    description:
      - Name of a profile in the configuration of the Alibaba Cloud CLI (C(~/.aliyun/config.json)), or else of a section
        of the credentials file (C(~/.alibabacloud/credentials.ini)). Wins over all variables; has no effect when
        O(access_key_id) is set. Its region counts when O(region) is unset.
      - The variables are E(ALIBABA_CLOUD_PROFILE), or else E(ALICLOUD_PROFILE); an AccessKey of their family wins over
        them.
    type: str
  role_arn:
    description:
      - ARN of a RAM role that is assumed on top of the identity, whichever it is, as in
        C(acs:ram::1234567890123456:role/mesh-admin).
      - E(ALICLOUD_ASSUME_ROLE_ARN) does the same for an identity of the variables C(ALICLOUD_*), the files or the
        instance. C(ALIBABA_CLOUD_ROLE_ARN) is the role of an OIDC token and of nothing else, as in the SDK.
    type: str
  role_session_name:
    description:
      - Name under which the assumed role appears in the account's audit trail.
      - Unset means E(ALIBABA_CLOUD_ROLE_SESSION_NAME) or E(ALICLOUD_ASSUME_ROLE_SESSION_NAME), the first that is there.
    type: str
    default: meshops-asm
  region:
    description:
      - Id of the region, as in V(cn-hangzhou). A name of a mesh is looked for in this region only; a mesh that is given
        by its id is found in any.
      - Required to create a mesh and to reach Container Service (ACK).
      - Unset means the region of the option O(profile), then E(ALIBABA_CLOUD_REGION_ID), E(ALIBABA_CLOUD_REGION),
        E(ALICLOUD_REGION_ID) or E(ALICLOUD_REGION), the first that is there (the second family first when it gives the
        credential), then the region of the profile that gives the credential.
    type: str
    aliases:
      - region_id
  asm_endpoint:
    description:
      - Host, or URL without a path, of the ASM API. A host alone is reached by HTTPS.
      - Unset means E(MESHOPS_ASM_ENDPOINT), and without that the public endpoint, which is one for all regions.
    type: str
  cs_endpoint:
    description:
      - Host, or URL without a path, of the API of Container Service (ACK). A host alone is reached by HTTPS.
      - Unset means E(MESHOPS_CS_ENDPOINT), and without that the public endpoint of O(region).
    type: str
  api_server_address:
    description:
      - Which address of a mesh's API server is used for what is in its control plane (gateways, namespaces, Istio
        resources). V(private) is reached inside the mesh's VPC only.
      - V(auto) is V(public) where there is a public one, else V(private). One that is chosen and not there is an error.
      - Unset means E(MESHOPS_API_SERVER_ADDRESS). It says nothing about the API servers of clusters.
    type: str
    choices: [auto, public, private]
    default: auto
  api_timeout:
    description:
      - For how many seconds a single API call is tried again when it fails for a passing reason. One attempt takes at
        most 60 seconds. What would be refused again (a missing permission, a wrong name, a proxy that says no) ends the
        task at once.
      - Unset means E(MESHOPS_API_TIMEOUT).
    type: int
    default: 60
  meshops_debug:
    description:
      - Adds to a failure, under C(debug), which exceptions it came from and where they were raised, by file, line and
        function. Messages and values of exceptions are left out, as they may hold secrets.
      - Unset means E(MESHOPS_DEBUG).
    type: bool
    default: false
"""
