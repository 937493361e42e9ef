"""A NIR graph as one chain of nodes from its input on, with recurrences beside the neurons they feed.

Nested graphs are opened: a node ``b`` of the nested graph ``a`` is called ``a.b``, and the nested graph's own
input and output become edges. A recurrence is a Linear or Affine node that leads from a neuron's spikes back
to that neuron; snnTorch and others write it inside a nested graph, some flat.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from hardware.nir_neuron import RESETTING
from spikefront.errors import DesignError

Edges = list[tuple[str, str]]
DENSE = ("Linear", "Affine")


@dataclass(frozen=True, eq=False)
class Link:
    """A node of the chain.

    Attributes:
        name: its name in the graph, for messages.
        node: the NIR node.
        recurrent: the Linear or Affine node that weighs this neuron's own spikes; None without one.
    """

    name: str
    node: Any
    recurrent: "Link | None" = None

    @property
    def kind(self) -> str:
        """The name of the node's NIR type."""
        return type(self.node).__name__


def chain(graph: Any) -> list[Link]:
    """Return the nodes of a ``nir.NIRGraph`` from its Input on, recurrences set apart.

    Raises:
        DesignError: where the graph is more than one chain with recurrent neurons.
    """
    nodes, edges = _opened(graph, "")
    loops = _recurrences(nodes, edges)
    taken = set(loops.values())
    after = _successors([edge for edge in edges if not taken.intersection(edge)])
    starts = [name for name, node in nodes.items() if _kind(node) == "Input"]
    names = starts[:1]
    # Nothing leads to a start, and nothing has two successors, so the walk ends.
    while names and names[-1] in after and names[0] not in after.values():
        names.append(after[names[-1]])
    total = len(nodes) - len(taken)
    if len(names) != total:
        raise DesignError(
            f"{len(names)} of the {total} nodes of the NIR graph follow its input in one chain; "
            "give one chain from Input to Output."
        )
    return [
        Link(name, nodes[name], Link(loops[name], nodes[loops[name]]) if name in loops else None)
        for name in names
    ]


def _kind(node: Any) -> str:
    return type(node).__name__


def _opened(graph: Any, prefix: str) -> tuple[dict[str, Any], Edges]:
    """Return the nodes and edges of a graph with its nested graphs opened."""
    nodes: dict[str, Any] = {}
    edges: Edges = [(prefix + source, prefix + target) for source, target in dict.fromkeys(graph.edges)]
    for name, node in graph.nodes.items():
        own = prefix + name
        if _kind(node) != "NIRGraph":
            nodes[own] = node
            continue
        inner, inner_edges = _opened(node, f"{own}.")
        door_in = _door(own, node, "Input")
        door_out = _door(own, node, "Output")
        edges = [(door_out if a == own else a, door_in if b == own else b) for a, b in edges]
        edges += inner_edges
        for door in (door_in, door_out):
            del inner[door]
            edges = _without(edges, door)
        nodes |= inner
    if not prefix:
        _check_names(nodes, edges)
    return nodes, edges


def _door(name: str, graph: Any, kind: str) -> str:
    found = [inner for inner, node in graph.nodes.items() if _kind(node) == kind]
    if len(found) != 1:
        raise DesignError(f"The nested graph {name!r} has {len(found)} nodes {kind}; give it exactly one.")
    return f"{name}.{found[0]}"


def _without(edges: Edges, name: str) -> Edges:
    """Return the edges with node ``name`` taken out and what stood before joined to what stood behind."""
    before = [a for a, b in edges if b == name]
    behind = [b for a, b in edges if a == name]
    return [e for e in edges if name not in e] + [(a, b) for a in before for b in behind]


def _check_names(nodes: dict[str, Any], edges: Edges) -> None:
    for edge in edges:
        for name in edge:
            if name not in nodes:
                raise DesignError(
                    f"The NIR graph has an edge {edge[0]!r} -> {edge[1]!r} but no node {name!r}; "
                    "export it again."
                )


def _recurrences(nodes: dict[str, Any], edges: Edges) -> dict[str, str]:
    """Return by neuron the dense node that leads from its spikes back to it.

    The spikes of a neuron without a reset are those of the Threshold behind it.
    """
    before, behind = defaultdict(set), defaultdict(set)
    for source, target in edges:
        before[target].add(source)
        behind[source].add(target)
    found: dict[str, str] = {}
    for name, node in nodes.items():
        if _kind(node) not in DENSE or len(before[name]) != 1 or len(behind[name]) != 1:
            continue
        (source,), (target,) = before[name], behind[name]
        spiking = _kind(nodes[source]) in RESETTING and source == target
        if spiking or (_kind(nodes[source]) == "Threshold" and target in before[source]):
            if target in found:
                raise DesignError(
                    f"Node {target!r} has two recurrences, {found[target]!r} and {name!r}; join them."
                )
            found[target] = name
    return found


def _successors(edges: Edges) -> dict[str, str]:
    after: dict[str, str] = {}
    reached: set[str] = set()
    for source, target in edges:
        if source in after or target in reached:
            raise DesignError(
                f"The NIR graph branches or loops at the edge {source!r} -> {target!r}; only chains of "
                "layers with recurrent neurons can be built."
            )
        after[source] = target
        reached.add(target)
    return after
