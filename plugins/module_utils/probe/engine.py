# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the requests of a plan, at most so many at a time, and notes what became of each.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.probe.http1 import (
    Answer,
    Connection,
    ExchangeError,
    Held,
    parser,
)
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Plan, Request, Tls

#: Seconds between attempts of one request; doubled each time, up to the second value.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
#: This many failures without a single answer end a probe early: nobody is there.
_HOPELESS = 20
_EXCERPT = 200
#: Seconds between two reports of how far the requests are.
TELL_EVERY = 1.0

Told = Callable[["int | None"], None]
Enough = Callable[["Sample"], bool]


@dataclass(frozen=True)
class Sample:
    """What became of one request: a status with its key, or an error. ``seconds`` includes connecting and retries."""

    number: int
    request: int
    address: int
    at: float
    seconds: float
    status: int = 0
    key: str | None = None
    error: str = ""


@dataclass
class Observation:
    """All samples in the order in which they were begun, and what it took to get them."""

    samples: list[Sample] = field(default_factory=list)
    seconds: float = 0.0
    retries: int = 0
    reconnects: int = 0
    excerpts: dict[int, str] = field(default_factory=dict)
    unkeyed: str = ""
    aborted: bool = False


def run(plan: Plan, told: Told = lambda percent: None, enough: Enough = lambda sample: False) -> Observation:
    """Carries out a plan. Raises ``InvalidInput`` for certificates that cannot be read, never for what servers do.

    ``enough`` gets what became of each request, and no more are begun once it says so.
    Every second ``told`` hears how many percent of the requests are done, None when nobody knows of how many. The
    library h11 has to be there, else ``MissingLibrary`` is raised before anything is sent.
    """
    parser()
    return asyncio.run(_Run(plan, told, enough).run())


def stopped(plan: Plan) -> bool:
    """Whether somebody has ended the probe by its file."""
    if plan.stop_file is None:
        return False
    try:
        Path(plan.stop_file).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        raise InvalidInput("stop_file is no path where a file can be seen.") from None
    return True


class _Run:
    def __init__(self, plan: Plan, told: Told = lambda percent: None, enough: Enough = lambda sample: False) -> None:
        self.plan = plan
        self.told = told
        self.enough = enough
        self.over = False
        self.seen = Observation()
        self.held = Held()
        self.context = tls_context(plan.tls) if plan.tls else None
        self.next = 0
        self.begin = 0.0
        self.answered = False

    async def run(self) -> Observation:
        self.begin = time.perf_counter()
        workers = self.plan.concurrency if not self.plan.count else min(self.plan.concurrency, self.plan.count)
        telling = asyncio.ensure_future(self._tell())
        try:
            await asyncio.gather(*(self._work() for _unused in range(workers)))
        finally:
            telling.cancel()
        self.seen.seconds = time.perf_counter() - self.begin
        self.seen.samples.sort(key=lambda sample: sample.number)
        return self.seen

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY)
            self.told(100 * len(self.seen.samples) // self.plan.count if self.plan.count else None)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        connections: dict[tuple[int, str], Connection] = {}
        try:
            while (number := self._ticket()) is not None:
                due = time.perf_counter()
                if self.plan.rate:
                    due = self.begin + number / self.plan.rate
                    rest = due - time.perf_counter()
                    if rest > 0:
                        await asyncio.sleep(rest)
                await self._request(loop, connections, number, due)
        finally:
            for connection in connections.values():
                connection.close()

    def _ticket(self) -> int | None:
        """The number of the next request, or None when the probe is over."""
        plan, number = self.plan, self.next
        if plan.count and number >= plan.count:
            return None
        at = number / plan.rate if plan.rate else time.perf_counter() - self.begin
        if plan.duration and max(at, time.perf_counter() - self.begin) >= plan.duration:
            return None
        if not self.answered and len(self.seen.samples) >= max(_HOPELESS, plan.concurrency):
            self.seen.aborted = True
            return None
        if self.over or number >= _MOST_SAMPLES or stopped(plan):
            return None
        self.next = number + 1
        return number

    async def _request(
        self,
        loop: asyncio.AbstractEventLoop,
        connections: dict[tuple[int, str], Connection],
        number: int,
        due: float,
    ) -> None:
        plan = self.plan
        which = number % len(plan.requests)
        # Every request meets every address, also when there are as many of both.
        where = (number // len(plan.requests)) % len(plan.addresses)
        request = plan.requests[which]
        pause = _FIRST_PAUSE
        for attempt in range(plan.retries + 1):
            answer, error = None, ""
            try:
                answer = await self._exchange(loop, connections, where, request)
            except TimeoutError:
                error = f"no answer within {plan.timeout:g} s"
            except (OSError, ExchangeError) as problem:
                error = explain(problem, plan.addresses[where], self._server_name(request))
            if answer is not None and answer.status not in plan.retry_statuses:
                break
            if attempt < plan.retries:
                self.seen.retries += 1
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        seconds = time.perf_counter() - due
        if answer is None:
            sample = Sample(number, which, where, due - self.begin, seconds, error=error)
        else:
            self.answered = True
            key = plan.key.of(answer, seconds) if plan.key else None
            self._remember(answer, key)
            sample = Sample(number, which, where, due - self.begin, seconds, answer.status, key)
        self.seen.samples.append(sample)
        self.over = self.enough(sample) or self.over

    async def _exchange(
        self,
        loop: asyncio.AbstractEventLoop,
        connections: dict[tuple[int, str], Connection],
        where: int,
        request: Request,
    ) -> Answer:
        """One attempt, over the connection that is open or a new one.

        A server may close an idle connection at any moment. A request that meets that moment is sent once more over a
        new connection if that does no harm, as browsers do (RFC 9112, section 9.3.1).
        """
        name = self._server_name(request)
        # One deadline for the attempt as a whole, connecting included.
        end = loop.time() + self.plan.timeout
        connection = connections.get((where, name))
        if connection is not None and connection.open:
            try:
                return await connection.exchange(request.wire, timeout=self.plan.timeout, bodiless=request.bodiless)
            except ExchangeError as problem:
                if not (problem.clean and request.repeatable):
                    raise
                self.seen.reconnects += 1
        connection = await self._connect(loop, where, name, end - loop.time())
        connections[where, name] = connection
        return await connection.exchange(request.wire, timeout=end - loop.time(), bodiless=request.bodiless)

    async def _connect(self, loop: asyncio.AbstractEventLoop, where: int, name: str, timeout: float) -> Connection:
        host, port = self.plan.addresses[where]
        connecting = loop.create_connection(
            lambda: Connection(loop, self.held),
            host,
            port,
            ssl=self.context,
            server_hostname=name if self.context else None,
        )
        try:
            transport, connection = await asyncio.wait_for(connecting, timeout)
        except asyncio.TimeoutError:
            raise TimeoutError from None
        with contextlib.suppress(OSError, AttributeError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _server_name(self, request: Request) -> str:
        """What TLS is to be about; connections are shared by requests that agree in it."""
        if self.plan.tls is None:
            return ""
        return self.plan.tls.server_name or request.host.rsplit(":", 1)[0].strip("[]")

    def _remember(self, answer: Answer, key: str | None) -> None:
        """The beginning of one answer of each unhappy status, and of one without a key, for the explanation."""
        if answer.status >= 400 and answer.status not in self.seen.excerpts:
            self.seen.excerpts[answer.status] = excerpt(answer)
        if self.plan.key and key is None and not self.seen.unkeyed:
            self.seen.unkeyed = f"HTTP {answer.status}: {excerpt(answer)}"


#: A probe without a count ends here at the latest.
_MOST_SAMPLES = 200_000


def excerpt(answer: Answer) -> str:
    """The beginning of a body as one line."""
    text = " ".join(answer.body[:2000].decode("utf-8", errors="replace").split())
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."


def explain(problem: Exception, address: tuple[str, int], server_name: str) -> str:
    """A failed exchange in words that name the cause. Pure."""
    where = f"{address[0]}:{address[1]}"
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"TLS: the certificate of {where} is not accepted for '{server_name}': {problem.verify_message}"
    if server_name and isinstance(problem, (ssl.SSLEOFError, ConnectionResetError)):
        return f"TLS: {where} ended the connection for '{server_name}': it may have no Gateway server with that host"
    if isinstance(problem, ssl.SSLError):
        return f"TLS: {where} does not agree on a connection for '{server_name}': {problem.reason or problem}"
    if isinstance(problem, ConnectionRefusedError):
        return f"nothing listens on {where}: connection refused"
    if isinstance(problem, socket.gaierror):
        return f"the name {address[0]} does not resolve: {problem.strerror}"
    if isinstance(problem, ConnectionResetError):
        return f"{where} reset the connection"
    if isinstance(problem, OSError):
        return f"{where}: {problem.strerror or problem}"
    return str(problem)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """The context of a plan's TLS settings; a CA or certificate may be a path or PEM text (the key only a path)."""
    context = ssl.create_default_context()
    try:
        if tls.ca and "-----BEGIN" in tls.ca:
            context = ssl.create_default_context(cadata=tls.ca)
        elif tls.ca:
            context = ssl.create_default_context(cafile=str(Path(tls.ca).expanduser()))
        if tls.client_cert:
            key = str(Path(tls.client_key).expanduser()) if tls.client_key else None
            context.load_cert_chain(str(Path(tls.client_cert).expanduser()), key)
    except OSError as error:
        raise InvalidInput(f"tls: the CA or the client certificate cannot be read: {error}") from error
    except (ValueError, RuntimeError):
        raise InvalidInput("tls: ca is neither PEM text nor a path, or client_cert or client_key is no path.") from None
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
