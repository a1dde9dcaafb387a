"""Minimum-cost flow in integers: how many rows each cell of a plan gives.

Primal-dual (Ford and Fulkerson 1962; Edmonds and Karp 1972): node potentials by shortest paths, then all that flows on
arcs of no reduced cost (Dinitz 1970) before the next potentials. As many phases as there are different path costs, which
for plans are few. Arc k and k ^ 1 are each other's reverse. Ties break by arc order, so the flow is the same anywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import njit

FAR = np.int64(1) << 60


@njit(cache=True, nogil=True)
def index_arcs(nodes: int, tails: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Arcs by the node they leave: (nodes + 1,) starts, and arc numbers in order."""
    starts = np.zeros(nodes + 1, np.int64)
    for arc in range(len(tails)):
        starts[tails[arc] + 1] += 1
    for node in range(nodes):
        starts[node + 1] += starts[node]
    place = starts[:-1].copy()
    order = np.empty(len(tails), np.int32)
    for arc in range(len(tails)):
        order[place[tails[arc]]] = arc
        place[tails[arc]] += 1
    return starts, order


@njit(cache=True, nogil=True)
def cheapest_flow(
    nodes: int,
    tails: NDArray[np.int32],
    heads: NDArray[np.int32],
    room: NDArray[np.int64],
    cost: NDArray[np.int64],
    source: int,
    sink: int,
) -> np.int64:
    """Send flow from source to sink while a path of negative cost is left; returns how much. `room` is changed.

    tails, heads, room, cost: (2 * arcs,), each arc followed by its reverse. There is no cycle of negative cost.
    """
    starts, order = index_arcs(nodes, tails)
    total = np.int64(0)
    while True:
        distance = _distances(nodes, starts, order, heads, room, cost, source)
        if distance[sink] >= 0:
            return total
        total += _saturate(nodes, starts, order, tails, heads, room, cost, distance, source, sink)


@njit(cache=True, nogil=True)
def _distances(
    nodes: int,
    starts: NDArray[np.int64],
    order: NDArray[np.int32],
    heads: NDArray[np.int32],
    room: NDArray[np.int64],
    cost: NDArray[np.int64],
    source: int,
) -> NDArray[np.int64]:
    """Shortest path costs from the source, by a queue (Bellman, Ford, Moore)."""
    distance = np.full(nodes, FAR, np.int64)
    distance[source] = 0
    queue = np.empty(nodes + 1, np.int64)
    waiting = np.zeros(nodes, np.bool_)
    first, last = 0, 0
    queue[0] = source
    waiting[source] = True
    last = 1
    while first != last:
        node = queue[first]
        first = (first + 1) % (nodes + 1)
        waiting[node] = False
        base = distance[node]
        for k in range(starts[node], starts[node + 1]):
            arc = order[k]
            if room[arc] > 0:
                head = heads[arc]
                far = base + cost[arc]
                if far < distance[head]:
                    distance[head] = far
                    if not waiting[head]:
                        waiting[head] = True
                        queue[last] = head
                        last = (last + 1) % (nodes + 1)
    return distance


@njit(cache=True, nogil=True)
def _saturate(
    nodes: int,
    starts: NDArray[np.int64],
    order: NDArray[np.int32],
    tails: NDArray[np.int32],
    heads: NDArray[np.int32],
    room: NDArray[np.int64],
    cost: NDArray[np.int64],
    distance: NDArray[np.int64],
    source: int,
    sink: int,
) -> np.int64:
    """The largest flow on shortest-path arcs (those of no reduced cost), by layers of arcs."""
    sent = np.int64(0)
    level = np.empty(nodes, np.int64)
    queue = np.empty(nodes, np.int64)
    nxt = np.empty(nodes, np.int64)
    path = np.empty(nodes + 1, np.int64)
    while True:
        level[:] = -1
        level[source] = 0
        queue[0] = source
        first, last = 0, 1
        while first < last:
            node = queue[first]
            first += 1
            for k in range(starts[node], starts[node + 1]):
                arc = order[k]
                head = heads[arc]
                if room[arc] > 0 and level[head] < 0 and distance[node] + cost[arc] == distance[head]:
                    level[head] = level[node] + 1
                    queue[last] = head
                    last += 1
        if level[sink] < 0:
            return sent
        nxt[:] = starts[:-1]
        depth = 0
        node = source
        while True:
            if node == sink:
                least = FAR
                for k in range(depth):
                    least = min(least, room[path[k]])
                sent += least
                back = 0
                for k in range(depth - 1, -1, -1):
                    room[path[k]] -= least
                    room[path[k] ^ 1] += least
                    if room[path[k]] == 0:
                        back = k
                depth = back
                node = tails[path[back]]
                continue
            found = False
            while nxt[node] < starts[node + 1]:
                arc = order[nxt[node]]
                head = heads[arc]
                if room[arc] > 0 and level[head] == level[node] + 1 and distance[node] + cost[arc] == distance[head]:
                    found = True
                    break
                nxt[node] += 1
            if found:
                path[depth] = arc
                depth += 1
                node = head
            elif node == source:
                break
            else:
                level[node] = -1
                depth -= 1
                node = tails[path[depth]]
                nxt[node] += 1
