# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make before break: in which order the objects of a mesh are written, so that no route leads nowhere in between. Pure.

Istio's page "Traffic Management Best Practices" asks for this order and leaves it to the reader. What is written
first gives (a subset, a host, a gateway), then what refers to it changes, then goes what nobody refers to any more.
An object that gives something new while something else of it goes is written twice: first with both.

What comes first is an edge between two writes. The steps are the layers of that graph, and between two of them the
proxies have to follow: a proxy learns of routes and of what they lead to by different messages.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Refused
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import SERVICES_DOMAIN, overlap
from ansible_collections.meshops.asm.plugins.module_utils.istio.references import (
    ABOUT_HOSTS,
    ACCEPTS,
    ADMITS,
    DELEGATE,
    DESTINATION_RULE,
    GATEWAY,
    GATEWAYS,
    GRANT,
    HOST,
    ISSUER,
    LISTENER,
    MATCH,
    PERMIT,
    PORT,
    ROUTE,
    SECRET,
    SERVICE_ENTRY,
    SUBSET,
    WORKLOADS,
    Facts,
    Token,
    absent,
    entries_of,
    facts_of,
    is_sidecar,
    sort_of,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.unions import union

Json = dict[str, Any]

_WORDS = {
    SUBSET: "the subset {1} of {0}",
    HOST: "the host {0}",
    PORT: "the port {1} of {0}",
    GATEWAY: "the Gateway {0}/{1}",
    ADMITS: "the host {3} at port {2} of the Gateway {0}/{1}",
    DELEGATE: "the delegate {0}/{1}",
    ROUTE: "the route of {1}",
    MATCH: "a rule for {1}",
    LISTENER: "the listener '{2}' of the Gateway {0}/{1}",
    GRANT: "the ReferenceGrant of {3} for {0}s of {1}",
    SECRET: "the Secret {0}",
    WORKLOADS: "the workloads of {0}",
    ACCEPTS: "{1} in {0}",
    ISSUER: "tokens of '{0}'",
    PERMIT: "a rule of the AuthorizationPolicies of {0}",
}
#: Of what one pass writes: what comes first, and what comes last.
BASES = frozenset(
    {"DestinationRule", "Gateway", "ReferenceGrant", "RequestAuthentication", "Secret", "ServiceEntry", "WorkloadEntry"}
)
ROUTING = frozenset({"GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "VirtualService"})
# What only callers use: without it their requests are lost, but nothing leads nowhere.
_CALLED = frozenset({ROUTE, MATCH, PERMIT})


_NO_CLAIMS: frozenset[Token] = frozenset()


@dataclass(frozen=True)
class Change:
    """One object that changes: ``old`` as it is there, ``new`` as it will be, ``body`` as it is applied for that.

    ``None`` is an object that is not there. ``title`` names it in messages.
    """

    title: str
    old: Json | None
    new: Json | None
    body: Json | None


@dataclass(frozen=True)
class Write:
    """One write: the number of its change, what is applied (``None`` deletes), and whether that is the end of it."""

    change: int
    body: Json | None
    final: bool = True


@dataclass(frozen=True)
class Step:
    """Writes that may happen in any order. With ``waits`` the proxies must have all that was written before them."""

    writes: tuple[Write, ...]
    waits: bool


@dataclass
class _Node:
    """A write with what it makes and takes away, and what its object begins and ceases to need by it.

    ``takes``: it takes something away that others may need. ``after`` are the nodes that come first, with the reason.
    """

    write: Write
    title: str
    adds: frozenset[Token] = frozenset()
    drops: frozenset[Token] = frozenset()
    starts: frozenset[Token] = frozenset()
    ends: frozenset[Token] = frozenset()
    takes: bool = False
    after: dict[int, str] = field(default_factory=dict)


def plan(changes: list[Change], domain: str = SERVICES_DOMAIN) -> list[Step]:
    """The steps of a task; empty where one pass does, because nothing goes that somebody could need, no route that is
    there begins to need what is new, and none moves from one object to another that stays.

    ``domain`` is what the hosts of Services end with in this mesh.
    Raises ``Refused`` where no order keeps all routes, with the objects that stand in each other's way.
    """
    if all(one.old is None for one in changes):
        return []
    nodes = _nodes(changes, domain)
    _connect(nodes)
    _place_sidecars(nodes, changes)
    if _one_pass_does(nodes, changes):
        return []
    layers = _layers(nodes)
    last, awaited = max(layers), {other for node in nodes for other in node.after}
    for number, node in enumerate(nodes):
        # A deletion that is in nobody's way goes with the others.
        if node.write.body is None and not node.after and number not in awaited:
            layers[number] = last
    steps = [
        Step(tuple(node.write for node, own in zip(nodes, layers, strict=True) if own == layer), waits=layer > 0)
        for layer in range(last + 1)
    ]
    return [step for step in steps if step.writes]


def reads_hosts(changes: list[Change]) -> bool:
    """Whether the order may hang on which Services the hosts of what is there name."""
    return any(sort_of(one.old) in ABOUT_HOSTS for one in changes)


def unordered(changes: list[Change]) -> list[str]:
    """Sentences about what happens to traffic in the middle of a task because one write does it, in no order at all."""
    texts = []
    for change in changes:
        old, new = (_labels(one) for one in (change.old, change.new))
        moved = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
        ports = [_ports(one) for one in (change.old, change.new)]
        if len(ports[0]) == len(ports[1]) == 1 and ports[0] != ports[1]:
            texts.append(
                f"{change.title} has port {ports[1][0]} in place of {ports[0][0]}, its only one: routes that name "
                "no port follow in the middle of that, and requests may fail for a moment. Routes that name their port "
                "have an order."
            )
        if moved:
            texts.append(
                f"{change.title} gives other labels to the subset {', '.join(moved)} under the same name: its requests "
                "move to other pods when this object is written, before or after the routes. A new name has an order."
            )
    return texts


def _ports(found: Json | None) -> list[Any]:
    """The numbers of the ports of a ServiceEntry."""
    spec = (found or {}).get("spec")
    ports = spec.get("ports") if isinstance(spec, dict) and sort_of(found) == SERVICE_ENTRY else None
    return [one.get("number") for one in ports if isinstance(one, dict)] if isinstance(ports, list) else []


def _labels(found: Json | None) -> dict[str, Any]:
    spec = (found or {}).get("spec")
    subsets = spec.get("subsets") if isinstance(spec, dict) and sort_of(found) == DESTINATION_RULE else None
    entries = [one for one in subsets if isinstance(one, dict)] if isinstance(subsets, list) else []
    return {str(one.get("name")): one.get("labels") for one in entries}


def _nodes(changes: list[Change], domain: str) -> list[_Node]:
    facts = [
        (facts_of(one.old or absent(one.new), domain), facts_of(one.new or absent(one.old), domain)) for one in changes
    ]
    admitted = [entries_of(pair[side] for pair in facts) for side in (0, 1)]
    needs = [(old.resolved(admitted[0]), new.resolved(admitted[1])) for old, new in facts]
    _check_claims(changes, facts, needs)
    wanted = _wanted(facts, needs)
    nodes: list[_Node] = []
    for number, (change, (old, new)) in enumerate(zip(changes, facts, strict=True)):
        starts, ends = needs[number][1] - needs[number][0], needs[number][0] - needs[number][1]
        adds, drops = new.beyond(old), old.beyond(new)
        both = _both(change, domain, needed=bool(adds & wanted and drops))
        if both:
            nodes.append(_Node(Write(number, both, final=False), change.title, adds=adds))
            adds = frozenset()
        nodes.append(_Node(Write(number, change.body), change.title, adds, drops, starts, ends, _goes(change, drops)))
        if both:
            nodes[-1].after[len(nodes) - 2] = "itself with both"
    return nodes


def _wanted(
    facts: list[tuple[Facts, Facts]], needs: list[tuple[frozenset[Token], frozenset[Token]]]
) -> frozenset[Token]:
    """What others wait for: what they begin to need, and the entrances of routes that take over from theirs."""
    stay = [(old, new) for old, new in facts if old.gives and new.gives]
    entrances = _Overlaps(token for old, new in stay for token in new.beyond(old) if token[0] == ADMITS)
    left = {token for old, new in facts for token in old.beyond(new) if token[0] == ROUTE} if entrances else set()
    taking_over = (one for token in left for one in entrances.near(token))
    return frozenset(token for old, new in needs for token in new - old).union(taking_over)


def _check_claims(
    changes: list[Change], facts: list[tuple[Facts, Facts]], needs: list[tuple[frozenset[Token], frozenset[Token]]]
) -> None:
    """Refuses routes that move to a Gateway with the same host and TLS, which serves only when the old one is gone."""
    before, after = ({gate: pair[side].claims for pair in facts for gate in pair[side].gives} for side in (0, 1))
    for change, (old, new) in zip(changes, needs, strict=True):
        for left, taken in itertools.product(old - new, new - old):
            shared = before.get(left, _NO_CLAIMS) & after.get(taken, _NO_CLAIMS)
            if shared and left[0] == taken[0] == GATEWAY:
                _selector, port, host = min(shared, key=str)
                raise Refused(
                    f"{change.title} moves from {_word(left)} to {_word(taken)}, which has the same host {host} with "
                    f"TLS at port {port}: Istio heeds the older of the two alone, so its requests fail in between. "
                    "Keep the name of the Gateway, or let the routes name both of them until the old one is gone "
                    "(three tasks), or accept failed requests with order: fast. Nothing was written.",
                    code="NoOrder",
                )


def _both(change: Change, domain: str, *, needed: bool) -> Json | None:
    """What is applied first to an object that gives something new, which others wait for, and loses something else."""
    if change.old is None or change.new is None or change.body is None:
        return None
    return union(change.old, change.new, change.body, domain) if needed or is_sidecar(change.new) else None


def _goes(change: Change, drops: frozenset[Token]) -> bool:
    """Whether a change takes something away that others refer to. None refers to a route; a Sidecar narrows a view."""
    return any(token[0] not in _CALLED for token in drops) or is_sidecar(change.new)


def _connect(nodes: list[_Node]) -> None:
    """The edges: what is needed is made before, and goes when nobody needs it; what moves is there twice meanwhile."""
    makers, leavers = _holders(nodes, lambda node: node.adds), _holders(nodes, lambda node: node.ends)
    made, left = _Overlaps(makers), _Overlaps(token for token in leavers if token[0] == HOST)
    for number, node in enumerate(nodes):
        for tokens, known, near in ((node.starts | node.drops, makers, made), (node.drops, leavers, left)):
            found = {
                token: [one for other in (token, *near.near(token)) for one in known.get(other, ())] for token in tokens
            }
            for token in sorted((token for token, first in found.items() if first), key=_rank):
                word = _word(token)
                for first in found[token]:
                    # Of several reasons the first one is told.
                    node.after.setdefault(first, word)
        node.after.pop(number, None)


def _rank(token: Token) -> tuple[bool, str]:
    """The same in every run; a whole route says more than one of its rules."""
    return token[0] == MATCH, str(token)


def _one_pass_does(nodes: list[_Node], changes: list[Change]) -> bool:
    """Whether nothing goes that somebody could need, nobody who has requests begins to need what is new, and one pass
    has the order, too: what routes refer to is written before routes (``kube/applying.py``), and deletions are last.
    """
    kinds = [sort_of(changes[node.write.change].new or changes[node.write.change].old)[1] for node in nodes]
    awaited = {other for node in nodes for other in node.after}
    for number, node in enumerate(nodes):
        # An object that is new has no requests yet, unless it takes over those of another one.
        used = changes[node.write.change].old is not None or number in awaited
        for other in node.after:
            first = kinds[other] in BASES and kinds[number] in ROUTING
            if nodes[other].write.body is None or (node.write.body is not None and (used or not first)):
                return False
    return not any(node.takes for node in nodes)


def _holders(nodes: list[_Node], tokens: Callable[[_Node], frozenset[Token]]) -> dict[Token, list[int]]:
    found: dict[Token, list[int]] = {}
    for number, node in enumerate(nodes):
        for token in tokens(node):
            found.setdefault(token, []).append(number)
    return found


class _Overlaps:
    """Tokens by the hosts that they are about, of which one may be a pattern for others."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._exact: dict[str, list[Token]] = {}
        self._patterns: dict[str, list[Token]] = {}
        for token in tokens:
            host = _host(token)
            if host:
                place = self._patterns if host.startswith("*") else self._exact
                place.setdefault(host.removeprefix("*"), []).append(token)

    def __bool__(self) -> bool:
        return bool(self._exact or self._patterns)

    def near(self, token: Token) -> list[Token]:
        """Of a host those that stand for it, too; of a route those that take some of its requests over: other routes of
        its scope, and the entrances for its hosts at gateways, through which other routes get them.
        """
        host = _host(token)
        if not host or token[0] == ADMITS:
            return []
        if host.startswith("*"):
            found = itertools.chain(*self._exact.values(), *self._patterns.values())
            return [one for one in found if _alike(token, one) and overlap(_host(one), host)]
        ends = (self._patterns.get(host[place:], ()) for place in range(len(host) + 1))
        return [one for one in itertools.chain(self._exact.get(host, ()), *ends) if _alike(token, one)]


def _host(token: Token) -> str:
    return str(token[-1]).rpartition("/")[2] if token[0] in (ADMITS, HOST, ROUTE) else ""


def _alike(token: Token, other: Token) -> bool:
    if token[0] == ROUTE and other[0] == ADMITS:
        return token[1] in (GATEWAYS, "/".join(other[1:3]))
    return token[:1] == other[:1] and (token[0] != ROUTE or token[1] == other[1])


def _place_sidecars(nodes: list[_Node], changes: list[Change]) -> None:
    """A Sidecar sees more first, and less in the end; nothing else refers to it."""
    sidecars = {number for number, one in enumerate(changes) if is_sidecar(one.new) or is_sidecar(one.old)}
    rest = [number for number, node in enumerate(nodes) if node.write.change not in sidecars]
    for number, node in enumerate(nodes):
        if node.write.change not in sidecars:
            continue
        if node.write.body is None or not node.write.final:
            for other in rest:
                nodes[other].after[number] = "a wider view"
        else:
            node.after.update(dict.fromkeys(rest, "a narrower view"))


def _layers(nodes: list[_Node]) -> list[int]:
    """The layer of each node: after all that it is behind; what takes something away is never in the first.

    An earlier run may have ended just after its writes, and what they moved away from may still be in use.
    """
    layers: dict[int, int] = {}
    left = set(range(len(nodes)))
    while left:
        free = [number for number in sorted(left) if not left.intersection(nodes[number].after)]
        if not free:
            raise _refusal(nodes, left)
        for number in free:
            node = nodes[number]
            layers[number] = max([int(node.takes), *(layers[other] + 1 for other in node.after)])
        left.difference_update(free)
    return [layers[number] for number in range(len(nodes))]


def _refusal(nodes: list[_Node], left: set[int]) -> Refused:
    circle = _circle(nodes, left)
    reasons = [
        f"{nodes[one].title} has to wait for {nodes[other].title} ({nodes[one].after[other]})"
        for one, other in zip(circle, [*circle[1:], circle[0]], strict=True)
    ]
    return Refused(
        f"No order of these changes keeps every route: {'; '.join(reasons)}. Give what is new a name or an object of "
        "its own, make the change in two tasks, or accept failed requests with order: fast. Nothing was written.",
        code="NoOrder",
    )


def _circle(nodes: list[_Node], left: Iterable[int]) -> list[int]:
    """Nodes that wait for each other, each for the next."""
    waiting = set(left)
    path = [min(waiting)]
    while True:
        following = min(waiting.intersection(nodes[path[-1]].after))
        if following in path:
            return path[path.index(following) :]
        path.append(following)


def _word(token: Token) -> str:
    return _WORDS[token[0]].format(*token[1:])
