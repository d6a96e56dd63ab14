# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call of the OpenAPI travels: the official SDK makes and signs the request, this file sends it.

The SDK's own transport follows redirects to any host (with the security token in a header), reads replies of any size
for any time, and turns them into exceptions that no longer show what was answered. Its clients reach the network by
one function of the library below them, ``do_action(request, options)``; here that function is ours.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import ssl
import threading
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import pool_classes, read_body
from ansible_collections.meshops.asm.plugins.module_utils.wire.trouble import Trouble, trouble_of

# Seconds for one attempt as a whole; the service answers reads within a few.
ATTEMPT = 60.0
# What the SDK's client calls the library below it, in its releases from 0.4 and before.
_CORES = ("DaraCore", "TeaCore")


@dataclass(frozen=True)
class Reply:
    """What the service answered, whatever it was; ``headers`` are found in any case of their names."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class NoReply(Exception):
    """There is no answer."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.why)
        self.trouble = trouble


def transported(client_class: Any) -> Any:
    """The SDK's client class with our transport. Each thread may call ``ask`` of its instances."""

    class Client(client_class):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self._transport = Transport()
            self._asked = threading.local()
            request = client_class.do_request
            core = next((known for name in _CORES if (known := request.__globals__.get(name))), None)
            if core is None:
                raise _unknown_sdk()
            ours = type("Core", (core,), {"do_action": staticmethod(self._send)})
            names = {**request.__globals__, **{name: ours for name in _CORES if name in request.__globals__}}
            copy = types.FunctionType(request.__code__, names, request.__name__, request.__defaults__)
            self.do_request = types.MethodType(copy, self)
            self._url_of = core.compose_url

        def ask(self, method: str, *arguments: Any) -> Reply:
            """Calls an action by the name of its method. Raises what the SDK raises before there is a reply."""
            self._asked.reply = None
            try:
                getattr(self, method)(*arguments)
            except Exception:
                if self._asked.reply is None:
                    raise
            if self._asked.reply is None:
                raise _unknown_sdk()
            return self._asked.reply

        def close(self) -> None:
            self._transport.close()

        def _send(self, request: Any, options: dict[str, Any] | None = None) -> Any:
            self._asked.reply = self._transport.send(self._url_of(request), request, options or {})
            # The reply is judged in failures.py; the SDK shall find nothing to object to.
            return SimpleNamespace(status_code=200, status_message="OK", headers={}, body=b"{}", response=None)

    return Client


def _unknown_sdk() -> AsmError:
    return AsmError(
        "The installed SDK sends its requests in a way that this release of the collection does not know. Install "
        "alibabacloud-tea-openapi 0.4.6, or a newer release of the collection.",
        code="UnknownSdk",
    )


class Transport:
    """Connections to one service, by the rules of the library requests: proxies, NO_PROXY, trusted authorities."""

    def __init__(self) -> None:
        import requests

        self._session = requests.Session()
        self._adapter = _adapter()

    def send(self, url: str, request: Any, options: dict[str, Any]) -> Reply:
        """Sends what the SDK made (``method``, ``headers``, ``body``) and reads the reply. Raises ``NoReply``.

        ``options`` are the SDK's: time-outs in milliseconds, ``httpProxy``, ``httpsProxy``, ``ca``, ``ignoreSSL``.
        No redirect is followed: what the reply means is for the caller to judge.
        """
        import requests

        prepared = requests.PreparedRequest()
        body = request.body.encode() if isinstance(request.body, str) else request.body
        prepared.prepare(method=request.method.upper(), url=url, data=body, headers=request.headers)
        given = {"http": options.get("httpProxy"), "https": options.get("httpsProxy")}
        settings = self._session.merge_environment_settings(
            url,
            {scheme: proxy for scheme, proxy in given.items() if proxy},
            True,
            False if options.get("ignoreSSL") else options.get("ca"),
            options.get("cert"),
        )
        timeout = tuple(float(options[name]) / 1000 for name in ("connectTimeout", "readTimeout"))
        try:
            answer = self._adapter.send(prepared, timeout=timeout, **settings)
            return Reply(answer.status_code, answer.headers, read_body(answer.raw))
        except Exception as error:  # of requests, urllib3 and the sockets below; all mean that there is no answer
            raise NoReply(trouble_of(error)) from error

    def close(self) -> None:
        self._adapter.close()


def _adapter() -> Any:
    """The adapter of requests whose connections are bounded and trust what this machine trusts, as the SDK's do."""
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **more: Any) -> None:
            super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **more)
            self.poolmanager.pool_classes_by_scheme = pool_classes(ATTEMPT)

        def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
            if proxy not in self.proxy_manager:
                manager = super().proxy_manager_for(proxy, ssl_context=ssl.create_default_context(), **more)
                manager.pool_classes_by_scheme = pool_classes(ATTEMPT)
            return super().proxy_manager_for(proxy, **more)

    return Adapter()
