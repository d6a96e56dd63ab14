# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every combination of sources of a credential, judged by the SDK's own chain where that has a rule.

All values end in the name of their source, so that a credential that is put together of two is seen.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from alibabacloud_credentials.provider import DefaultCredentialsProvider
from alibabacloud_credentials.utils import auth_util
from ansible_collections.meshops.asm.plugins.module_utils.cloud import signing
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import (
    CLOUD_OPTIONS,
    ENVIRONMENT,
    Identity,
    resolve,
)
from ansible_collections.meshops.asm.plugins.module_utils.cloud.profiles import Files
from ansible_collections.meshops.asm.plugins.module_utils.cloud.signing import signer
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from Tea.core import TeaCore

ROLE = "acs:ram::1234567890123456:role/mesh-admin"
OTHER_ROLE = "acs:ram::6543210987654321:role/other"
Json = dict[str, Any]


def keys(id_name: str, secret_name: str, of: str) -> dict[str, str]:
    return {id_name: f"AK.{of}", secret_name: f"secret.{of}"}


OPTIONS: dict[str, Json] = {
    "none": {},
    "keys": keys("access_key_id", "access_key_secret", "option"),
    "keys and token": {**keys("access_key_id", "access_key_secret", "option"), "security_token": "token.option"},
    "id alone": {"access_key_id": "AK.option"},
    "secret alone": {"access_key_secret": "secret.option"},
    "token alone": {"security_token": "token.option"},
    "profile": {"profile": "shop"},
    "profile that is nowhere": {"profile": "nowhere"},
}
FIRST = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
ALIBABA: dict[str, dict[str, str]] = {
    "none": {},
    "keys": keys(*FIRST, "alibaba"),
    "keys and token": {**keys(*FIRST, "alibaba"), "ALIBABA_CLOUD_SECURITY_TOKEN": "token.alibaba"},
    "id alone": {"ALIBABA_CLOUD_ACCESS_KEY_ID": "AK.alibaba"},
    "secret alone": {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret.alibaba"},
    "token alone": {"ALIBABA_CLOUD_SECURITY_TOKEN": "token.alibaba"},
    "role alone": {"ALIBABA_CLOUD_ROLE_ARN": OTHER_ROLE},
    "keys and role": {**keys(*FIRST, "alibaba"), "ALIBABA_CLOUD_ROLE_ARN": OTHER_ROLE},
    "profile": {"ALIBABA_CLOUD_PROFILE": "shop"},
    "keys and profile": {**keys(*FIRST, "alibaba"), "ALIBABA_CLOUD_PROFILE": "shop"},
    "oidc": {
        "ALIBABA_CLOUD_ROLE_ARN": OTHER_ROLE,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::6543210987654321:oidc-provider/ack",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "token-file",
    },
}
ALICLOUD: dict[str, dict[str, str]] = {
    "none": {},
    "keys": keys("ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "alicloud"),
    "keys and token": {
        **keys("ALICLOUD_ACCESS_KEY_ID", "ALICLOUD_SECRET_ACCESS_KEY", "alicloud"),
        "ALICLOUD_SECURITY_TOKEN": "token.alicloud",
    },
    "id alone": {"ALICLOUD_ACCESS_KEY": "AK.alicloud"},
    "profile": {"ALICLOUD_PROFILE": "shop"},
    "role alone": {"ALICLOUD_ASSUME_ROLE_ARN": OTHER_ROLE},
}


def profile(name: str, of: str, **more: Any) -> Json:
    return {"name": name, "mode": "AK", **keys("access_key_id", "access_key_secret", of), **more}


UNFILLED = {"name": "default", "mode": "AK", "access_key_id": "", "access_key_secret": "", "region_id": ""}
CLI: dict[str, str | None] = {
    "none": None,
    "filled": json.dumps(
        {
            "current": "default",
            "profiles": [
                profile("default", "cli", region_id="cn-cli"),
                profile("shop", "cli-shop", region_id="cn-cli-shop"),
            ],
        }
    ),
    "half": json.dumps({"current": "default", "profiles": [{**profile("default", "cli"), "access_key_secret": ""}]}),
    "unfilled": json.dumps({"current": "default", "profiles": [UNFILLED]}),
    "damaged": "{",
}
CREDENTIALS: dict[str, str | None] = {
    "none": None,
    "default": "[default]\ntype = access_key\naccess_key_id = AK.file # mine\naccess_key_secret = secret.file\n",
    "shop": "[shop]\ntype = access_key\naccess_key_id = AK.file-shop\naccess_key_secret = secret.file-shop\n",
}
LAST: dict[str, dict[str, str]] = {
    "neither": {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"},
    "instance": {},
    "uri": {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true", "ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1:9/key"},
    "instance and uri": {"ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1:9/key"},
}


def temporary(of: str) -> Json:
    return {
        "Code": "Success",
        "AccessKeyId": f"AK.{of}",
        "AccessKeySecret": f"secret.{of}",
        "SecurityToken": f"token.{of}",
        "Expiration": "2999-01-01T00:00:00Z",
    }


class Elsewhere:
    """The hosts that the SDK asks for credentials: STS, the metadata service of an instance, a URI."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.down: set[str] = set()

    def answer(self, request: Any, runtime: Any = None) -> Any:
        host, query = str(request.headers["host"]), dict(request.query or {})
        self.asked.append({"host": host, **query})
        assert host.rsplit(":", 1)[0] in ("sts.aliyuncs.com", "100.100.100.200", "127.0.0.1"), host
        if host in self.down:
            raise OSError(f"{host} does not answer")
        if query.get("Action") == "AssumeRole":
            return self._reply({"Credentials": temporary(f"role-on-{query['AccessKeyId'].partition('.')[2]}")})
        if query.get("Action") == "AssumeRoleWithOIDC":
            return self._reply({"Credentials": temporary("oidc")})
        if host == "100.100.100.200":
            path = str(request.pathname)
            if path.endswith(("/token", "/security-credentials/")):
                return SimpleNamespace(status_code=200, body=b"one")
            return self._reply(temporary("instance"))
        return self._reply(temporary("uri"))

    @staticmethod
    def _reply(body: Json) -> Any:
        return SimpleNamespace(status_code=200, body=json.dumps(body).encode())


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    hosts = Elsewhere()
    monkeypatch.setattr(signing, "send", hosts.answer)
    monkeypatch.setattr(TeaCore, "do_action", staticmethod(hosts.answer))
    return hosts


@cache
def _lines_of_the_sdk() -> CodeType:
    source = Path(str(auth_util.__file__)).read_text(encoding="utf-8").partition("private_key = None")[0]
    return compile(source, "auth_util", "exec")


class Machine:
    """A home and an environment; ``become`` makes them those of the SDK as well."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.monkeypatch = monkeypatch
        self.environ: dict[str, str] = {}
        # Read once for all questions about one state of the home.
        self.files: Files | None = None

    def become(self, *variables: dict[str, str], cli: str | None = None, credentials: str | None = None) -> None:
        self.environ = {"HOME": str(self.home)}
        for some in variables:
            self.environ.update(some)
        if "ALIBABA_CLOUD_OIDC_TOKEN_FILE" in self.environ:
            (self.home / "token-file").write_text("an-oidc-token")
            self.environ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = str(self.home / "token-file")
        for path, text in ((".aliyun/config.json", cli), (".alibabacloud/credentials.ini", credentials)):
            file = self.home / path
            file.parent.mkdir(exist_ok=True)
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text)
        self.files = Files(self.environ)
        self._tell_the_sdk()

    def _tell_the_sdk(self) -> None:
        """The SDK reads its environment when it is imported; these are its own lines once more."""
        fresh: Json = {"__name__": "auth_util"}
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in __import__("os").environ if name.startswith(("ALIBABA_", "ALICLOUD_"))]:
                patch.delenv(name)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            exec(_lines_of_the_sdk(), fresh)  # noqa: S102
        for name, value in fresh.items():
            if name.startswith(("environment_", "enable_oidc", "client_type")):
                self.monkeypatch.setattr(auth_util, name, value)
        self.monkeypatch.setattr("alibabacloud_credentials.utils.auth_constant.HOME", str(self.home))

    def identity(self, **options: Any) -> Identity:
        return resolve({"role_session_name": "meshops-asm", **options}, self.environ, self.files or Files(self.environ))

    def credential(self, **options: Any) -> tuple[str, Identity] | None:
        """The source whose credential signs, None for a refusal. Fails when a credential is not of one source."""
        try:
            identity = self.identity(**options)
            return whole(signer(identity).get_credential()), identity
        except InvalidInput as error:
            assert error.code == "MissingCredentials"
            for secret in ("secret.", "token.", "an-oidc-token"):
                assert secret not in error.message
            return None

    def sdk(self) -> str | None:
        try:
            return whole(_Asked(DefaultCredentialsProvider().get_credentials()))
        except Exception:
            return None


class _Asked:
    def __init__(self, credentials: Any) -> None:
        self.access_key_id = credentials.get_access_key_id()
        self.access_key_secret = credentials.get_access_key_secret()
        self.security_token = credentials.get_security_token()


def whole(credential: Any) -> str:
    parts = [credential.access_key_id, credential.access_key_secret, credential.security_token]
    sources = {part.partition(".")[2] for part in parts if part}
    assert len(sources) == 1, sources
    return str(sources.pop())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere) -> Iterator[Machine]:
    monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "false")
    yield Machine(tmp_path, monkeypatch)


def named(name: str, cli: str, credentials: str) -> str | None:
    """What a profile that somebody names is. A damaged configuration refuses every name."""
    if cli == "damaged":
        return None
    if name == "shop" and cli == "filled":
        return "cli-shop"
    return "file-shop" if name == "shop" and credentials == "shop" else None


def by_files(cli: str, credentials: str, last: str) -> str | None:
    if cli in ("damaged", "half"):
        return None
    if cli == "filled":
        return "cli"
    if credentials == "default":
        return "file"
    return {"neither": None, "instance": "instance", "uri": "uri", "instance and uri": "instance"}[last]


def expected(option: str, alibaba: str, alicloud: str, cli: str, credentials: str, last: str) -> str | None:
    """The table of docs/requirements.rst in other words."""
    if option != "none":
        wins = {"keys": "option", "keys and token": "option", "profile": named("shop", cli, credentials)}
        return wins.get(option)
    if alibaba in ("id alone", "secret alone"):
        return None
    if alibaba.startswith("keys"):
        return "alibaba"
    if alibaba == "oidc":
        return "oidc"
    if alibaba == "profile":
        return named("shop", cli, credentials)
    if "uri" not in last and alicloud != "none":
        if alicloud == "id alone":
            return None
        if alicloud.startswith("keys"):
            return "alicloud"
        if alicloud == "profile":
            return named("shop", cli, credentials)
        below = by_files(cli, credentials, last)
        return below and f"role-on-{below}"
    return by_files(cli, credentials, last)


@pytest.mark.parametrize("alibaba", ALIBABA)
@pytest.mark.parametrize("alicloud", ALICLOUD)
def test_one_source_gives_the_whole_credential(machine: Machine, alibaba: str, alicloud: str) -> None:
    for cli, credentials, last in itertools.product(CLI, CREDENTIALS, LAST):
        machine.become(
            ALIBABA[alibaba], ALICLOUD[alicloud], LAST[last], cli=CLI[cli], credentials=CREDENTIALS[credentials]
        )
        for option in OPTIONS:
            case = (option, alibaba, alicloud, cli, credentials, last)
            got = machine.credential(**OPTIONS[option])
            source = expected(*case)
            assert (got and got[0]) == source, case
            with_role = machine.credential(**OPTIONS[option], role_arn=ROLE)
            # On top of the identity, whichever that is; the role of the second family is replaced, not added to.
            below = source.removeprefix("role-on-") if source else None
            assert (with_role and with_role[0]) == (below and f"role-on-{below}"), case
            if with_role:
                assert with_role[1].account_id == "1234567890123456"


@pytest.mark.parametrize("alibaba", ALIBABA)
def test_without_options_it_is_the_account_of_the_sdk_or_none(machine: Machine, alibaba: str) -> None:
    agreed = 0
    for cli, credentials, last in itertools.product(CLI, CREDENTIALS, LAST):
        machine.become(ALIBABA[alibaba], LAST[last], cli=CLI[cli], credentials=CREDENTIALS[credentials])
        got, sdk = machine.credential(), machine.sdk()
        incomplete = alibaba in ("id alone", "secret alone") or cli in ("damaged", "half")
        named_in_vain = alibaba == "profile" and named("shop", cli, credentials) is None
        if got is None and (incomplete or named_in_vain):
            continue
        assert (got and got[0]) == sdk, (cli, credentials, last)
        agreed += 1
    assert agreed or alibaba in ("id alone", "secret alone")


NAMES = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"


@pytest.mark.parametrize("name", NAMES)
def test_what_surrounds_a_value_is_none_of_it(machine: Machine, name: str) -> None:
    """A file ends with a line break, and whoever copies takes a blank along."""
    machine.environ = {**dict.fromkeys(NAMES, "plain"), name: " plain\r\n", "ALIBABA_CLOUD_REGION_ID": "cn-hangzhou\n"}
    found = machine.identity()
    assert (found.access_key_id, found.access_key_secret, found.security_token) == ("plain", "plain", "plain")
    assert found.region == "cn-hangzhou"
    options = {"access_key_id": "a\n", "access_key_secret": "b\n", "security_token": "c\n"}
    assert machine.identity(**options).secrets() == {"b", "c"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ['"quoted"', "'quoted'", "two words", "two\nlines", "caf\u00e9", " \n"])
def test_a_value_that_none_can_have_is_refused_by_name(machine: Machine, name: str, value: str) -> None:
    machine.environ = {**dict.fromkeys(NAMES, "plain"), name: value}
    with pytest.raises(InvalidInput, match=name.removeprefix("ALIBABA_CLOUD_").lower()) as told:
        machine.identity()
    assert value not in told.value.message


def test_a_profile_of_the_options_beats_a_key_of_the_environment(machine: Machine) -> None:
    machine.become(ALIBABA["keys and token"], ALICLOUD["keys"], cli=CLI["filled"])
    got = machine.credential(profile="shop")
    assert got
    assert got[0] == "cli-shop"


# The region


@pytest.mark.parametrize(
    ("options", "variables", "cli", "region"),
    [
        ({}, {}, "none", None),
        ({"region": "cn-option"}, {"ALIBABA_CLOUD_REGION_ID": "cn-env"}, "filled", "cn-option"),
        ({"region": ""}, {"ALIBABA_CLOUD_REGION_ID": "cn-env"}, "filled", "cn-env"),
        ({}, {"ALIBABA_CLOUD_REGION_ID": "cn-env"}, "filled", "cn-env"),
        ({}, {"ALIBABA_CLOUD_REGION": "cn-env"}, "filled", "cn-env"),
        ({}, {}, "filled", "cn-cli"),
        ({"profile": "shop"}, {"ALIBABA_CLOUD_REGION_ID": "cn-env"}, "filled", "cn-cli-shop"),
        ({"profile": "shop", "region": "cn-option"}, {"ALIBABA_CLOUD_REGION_ID": "cn-env"}, "filled", "cn-option"),
        ({}, {"ALIBABA_CLOUD_PROFILE": "shop", "ALIBABA_CLOUD_REGION_ID": "cn-env"}, "filled", "cn-env"),
        ({}, {"ALIBABA_CLOUD_PROFILE": "shop"}, "filled", "cn-cli-shop"),
        ({}, {**ALIBABA["keys"]}, "filled", None),
        (OPTIONS["keys"], {"ALICLOUD_REGION": "cn-second"}, "filled", "cn-second"),
        ({}, {**ALIBABA["keys"], "ALICLOUD_REGION": "cn-2", "ALIBABA_CLOUD_REGION": "cn-1"}, "none", "cn-1"),
        ({}, {**ALICLOUD["keys"], "ALICLOUD_REGION": "cn-2", "ALIBABA_CLOUD_REGION": "cn-1"}, "none", "cn-2"),
        ({}, {**ALICLOUD["keys"], "ALIBABA_CLOUD_REGION": "cn-1"}, "none", "cn-1"),
    ],
)
def test_the_region(machine: Machine, options: Json, variables: dict[str, str], cli: str, region: str | None) -> None:
    machine.become(variables, cli=CLI[cli])
    assert machine.identity(**options).region == region


# Words


@pytest.mark.parametrize(
    ("options", "variables", "cli", "credentials", "words"),
    [
        (OPTIONS["id alone"], ALIBABA["keys"], None, None, ["access_key_id is set", "access_key_secret is not"]),
        (OPTIONS["secret alone"], ALIBABA["keys"], None, None, ["access_key_secret is set", "access_key_id is not"]),
        (OPTIONS["token alone"], ALIBABA["keys"], None, None, ["security_token is set", "access_key_id is not"]),
        ({"profile": ""}, ALIBABA["keys"], None, None, ["option profile is empty"]),
        ({"access_key_id": "", "access_key_secret": ""}, ALIBABA["keys"], None, None, ["access_key_id is empty"]),
        ({"role_arn": ""}, ALIBABA["keys"], None, None, ["role_arn is empty"]),
        ({}, ALIBABA["id alone"], None, None, ["ALIBABA_CLOUD_ACCESS_KEY_SECRET is not"]),
        ({}, ALICLOUD["id alone"], None, None, ["ALICLOUD_SECRET_ACCESS_KEY or ALICLOUD_SECRET_KEY is not"]),
        (
            {"profile": "no"},
            {},
            CLI["filled"],
            CREDENTIALS["shop"],
            ["no profile 'no'", "option profile", "default, shop"],
        ),
        ({}, {"ALIBABA_CLOUD_PROFILE": "no"}, None, None, ["ALIBABA_CLOUD_PROFILE names", "config.json", "none"]),
        ({}, {}, CLI["half"], None, ["profile default of", "config.json", "lacks access_key_secret"]),
        ({}, {}, CLI["damaged"], None, ["config.json is no JSON"]),
        ({}, {}, "[]", None, ["no list of profiles"]),
        ({}, {}, '{"profiles": {"a": 1}}', None, ["no list of profiles"]),
        ({}, {}, "[" * 100_000, None, ["no JSON"]),
        ({"profile": "a"}, {}, '{"profiles": [{"name": "a", "mode": "Magic"}]}', None, ["no mode that the SDK knows"]),
        ({"profile": "a"}, {}, '{"profiles": [{"name": "a"}]}', None, ["no mode that the SDK knows"]),
        ({}, {}, None, "no section", ["credentials.ini is no file of sections"]),
        ({}, {}, None, "[default]\na = %(b)s", ["credentials.ini is no file of sections"]),
        ({}, {}, None, "[default]\ntype = magic", ["no type that the SDK knows"]),
        ({}, {}, None, "[default]\ntype = access_key\naccess_key_id = a # b", ["lacks access_key_secret"]),
        ({}, {}, None, None, ["No usable credentials", "ALIBABA_CLOUD_ACCESS_KEY_ID", "a profile", "RAM role"]),
    ],
)
def test_a_refusal_names_the_source_and_what_it_lacks(
    machine: Machine,
    options: Json,
    variables: dict[str, str],
    cli: str | None,
    credentials: str | None,
    words: list[str],
) -> None:
    machine.become(variables, LAST["neither"], cli=cli, credentials=credentials)
    with pytest.raises(InvalidInput) as caught:
        machine.identity(**options)
    assert caught.value.code == "MissingCredentials"
    for word in words:
        assert word in caught.value.message
    assert "secret." not in caught.value.message


def test_profiles_that_build_upon_each_other(machine: Machine) -> None:
    def chained(name: str, source: str) -> Json:
        return {"name": name, "mode": "ChainableRamRoleArn", "source_profile": source, "ram_role_arn": ROLE}

    profiles = [
        profile("base", "base"),
        chained("top", "base"),
        chained("a", "b"),
        chained("b", "a"),
        chained("c", "x"),
    ]
    machine.become(cli=json.dumps({"current": "top", "profiles": profiles}))
    got = machine.credential()
    assert got
    assert (got[0], got[1].account_id) == ("role-on-base", "1234567890123456")
    for name, words in (("a", "builds upon itself: a -> b -> a"), ("c", "builds upon 'x', which is not there")):
        with pytest.raises(InvalidInput, match=words):
            machine.identity(profile=name)


def test_an_incomplete_profile_takes_nothing_from_the_environment(machine: Machine) -> None:
    """The SDK fills the gaps of a profile with the environment's key, role and token."""
    gaps = [
        {"mode": "AK", "access_key_id": "AK.cli"},
        {"mode": "StsToken", **keys("access_key_id", "access_key_secret", "cli")},
        {"mode": "RamRoleArn", **keys("access_key_id", "access_key_secret", "cli")},
        {"mode": "OIDC", "ram_role_arn": ROLE},
        {"mode": "AK", "access_key_id": "AK.cli", "access_key_secret": 5},
    ]
    for gap in gaps:
        cli = json.dumps({"profiles": [{"name": "shop", **gap}]})
        machine.become(ALIBABA["keys and token"], ALIBABA["oidc"], cli=cli)
        with pytest.raises(InvalidInput, match="lacks"):
            machine.identity(profile="shop")


def test_a_source_that_fails_is_named_and_not_replaced(machine: Machine, elsewhere: Elsewhere) -> None:
    elsewhere.down = {"sts.aliyuncs.com"}
    machine.become(ALIBABA["oidc"], cli=CLI["filled"])
    with pytest.raises(InvalidInput, match=r"OIDC token.*gave none.*sts\.aliyuncs\.com does not answer"):
        signer(machine.identity())
    with pytest.raises(InvalidInput, match=r"with the role of the option role_arn, which gave none"):
        signer(machine.identity(**OPTIONS["keys"], role_arn=ROLE))


def test_a_refused_exchange_shows_no_secret(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(
        {"Code": "NoPermission", "SecurityToken": "a-token", "AccessKeySecret": "s3", "x": "secret.option"}
    )
    refuse = SimpleNamespace(status_code=403, body=body.encode())
    monkeypatch.setattr(signing, "send", lambda request, options: refuse)
    machine.become()
    with pytest.raises(InvalidInput, match="NoPermission") as caught:
        signer(machine.identity(**OPTIONS["keys"], role_arn=ROLE))
    for secret in ("a-token", "s3", "secret.option"):
        assert secret not in caught.value.message


def test_the_instance_comes_before_the_uri(machine: Machine, elsewhere: Elsewhere) -> None:
    machine.become(LAST["instance and uri"])
    assert machine.credential() == ("instance", machine.identity())
    elsewhere.down = {"100.100.100.200"}
    got = machine.credential()
    assert got
    assert got[0] == machine.sdk() == "uri"


def test_files_are_not_read_for_nothing(machine: Machine) -> None:
    machine.become(ALIBABA["keys"], cli="{", credentials="{")
    assert machine.credential(**OPTIONS["keys"])
    assert machine.credential()


def test_the_session_has_the_name_of_the_option(machine: Machine, elsewhere: Elsewhere) -> None:
    machine.become(ALIBABA["keys"])
    machine.credential(role_arn=ROLE, role_session_name="deploy-7")
    (asked,) = elsewhere.asked
    assert (asked["RoleArn"], asked["RoleSessionName"]) == (ROLE, "deploy-7")
    assert urlsplit(f"//{asked['host']}").hostname == "sts.aliyuncs.com"


def test_an_identity_can_be_printed(machine: Machine) -> None:
    machine.become()
    identity = machine.identity(**OPTIONS["keys and token"])
    assert "secret.option" not in repr(identity)
    assert "token.option" not in f"{identity!r} {identity} {identity.fingerprint()}"
    assert identity.secrets() == {"secret.option", "token.option"}


def test_every_credential_has_both_families_of_variables() -> None:
    for name in ("access_key_id", "access_key_secret", "security_token", "profile", "region"):
        assert any(variable.startswith("ALIBABA_CLOUD_") for variable in ENVIRONMENT[name]), name
        assert any(variable.startswith("ALICLOUD_") for variable in ENVIRONMENT[name]), name
    assert [name for name, option in CLOUD_OPTIONS.items() if option.get("no_log")] == [
        "access_key_id",
        "access_key_secret",
        "security_token",
    ]
    assert set(ENVIRONMENT) == set(CLOUD_OPTIONS)


def test_ansible_mixes_no_variable_of_a_credential_into_the_options() -> None:
    mixed = {name for name, about in CLOUD_OPTIONS.items() if "fallback" in about}
    assert mixed == {"role_session_name", "asm_endpoint", "cs_endpoint", "api_server_address", "api_timeout"}
