"""What is left over in nodes that ought to be at rest: requests, places, multiparts, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..node.link import Link
    from ..node.node import Node
    from ..node.target import Lane, RemoteTarget
    from .ledger import Ledger
    from .world import World


def leaks(world: World) -> list[str]:
    """Return what is left over, in words; nothing of it should be."""
    nodes = [n for p, n in world.watch.nodes.items() if p.generation == world.generation]
    by_life = {(node.name, node.life): node for node in nodes}
    found = [
        f"{process!r}: its leader is gone, and it has not left"
        for process in world.processes
        if process.generation != world.generation and not process.dead
    ]
    for node in nodes:
        found += _in_cells(node, world.watch.ledger)
        found += [f"{node.name}: a deadline of {what}" for what in _in_wheel(node)]
        for link in node.router.links.values():
            if link.dead is None and (link.node, link.life) in by_life:
                found += _in_link(node, link, by_life[link.node, link.life])
    return found


def _in_cells(node: Node, ledger: Ledger) -> Iterator[str]:
    for cell in node.cells.values():
        if cell.depth:
            yield f"{cell.key}: {cell.depth} messages in the mailbox of an actor at rest"
        if cell.state in {"restarting", "starting"}:
            yield f"{cell.key}: it is still {cell.state}"
        if cell.durable is not None:
            inbox, outbox = ledger.waiting(cell.address.actor)
            if inbox:
                yield f"{cell.key}: {inbox} tells in the inbox of an actor at rest"
            if outbox:
                yield f"{cell.key}: {outbox} tells in its outbox, to actors that live"


def _in_wheel(node: Node) -> Iterator[str]:
    for entry in node.wheel.entries():
        yield str(getattr(entry, "what", entry))


def _in_link(node: Node, link: Link, peer: Node) -> Iterator[str]:
    edge = f"{node.name} -> {link.node}"
    for sending in link.pending.values():
        if sending.deadline is not None:
            yield f"{edge}: {sending.what} waits for its answer"
    for inbound in link.serving.values():
        if inbound.deadline is not None:
            yield f"{edge}: {inbound.cell.key}.{inbound.spec.name} is still being served"
    if link.flow.sent > link.flow.acknowledged:
        yield f"{edge}: {link.flow.sent - link.flow.acknowledged} multiparts not acknowledged"
    back = peer.router.links.get(node.name)
    for target in link.targets.values():
        if back is not None and not target.closed:
            yield from _in_target(edge, target, back, peer)


def _in_target(edge: str, target: RemoteTarget, back: Link, peer: Node) -> Iterator[str]:
    cell = peer.cell_of(target.address)
    if cell is None:
        return
    lanes: list[tuple[str, Lane | None, int]] = [
        ("mailbox", target.mailbox, back.taken(cell, beside=False)),
        ("beside", target.beside, back.taken(cell, beside=True)),
    ]
    for name, lane, taken in lanes:
        if lane is None:
            continue  # nobody has used it
        if lane.parked:
            yield f"{edge}: {len(lane.parked)} requests parked for {target.key}"
        window = target.address.window
        if lane.credit + taken != window:
            places = f"{lane.credit} here and {taken} there of {window} places"
            yield f"{edge}: {places} ({name}) of {target.key}"
