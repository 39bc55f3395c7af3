"""Views of a tape for drawings: all of it, or less and less of it until the picture is readable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_lite.graph import Step, Steps
from autograd_lite.tensor import Tensor

FEW_NAMES = 3  # of results: with more, a picture of what has a name says more than one of patterns
PERIOD = 40  # operations that are repeated, at most
Boxes = dict[int, int | str]  # of each step that is shown, by number: a name, or its own number


def membership(recorded: Steps, groups: Mapping[str, Iterable[Tensor]]) -> dict[int, str]:
    """The group of each step, by its number.

    `groups` says it for some; a step without a name belongs to a group if all its uses do.
    """
    number = {id(s.tensor): s.number for s in recorded}
    member: dict[int, str] = {}
    for name, tensors in groups.items():
        name = str(name)
        found = []
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(f"group {name!r} holds a {type(t).__name__}: give it Tensors")
            if id(t) in number:  # a last activation is not, under a cost of logits
                found.append(member.setdefault(number[id(t)], name))
        if not found:
            raise ValueError(f"no Tensor of group {name!r} is on the tape of this cost")
    used_in: dict[int, set[str | None]] = {}
    for s in reversed(recorded.steps):
        if s.number not in member and not s.label and len(used_in.get(s.number, ())) == 1:
            (only,) = used_in[s.number]
            if only is not None:
                member[s.number] = only
        for x in s.inputs:
            if isinstance(x, Step):
                used_in.setdefault(x.number, set()).add(member.get(s.number))
    return member


@dataclass
class View:
    """The steps that a drawing shows, each with its box: the name of a group, or its own number."""

    recorded: Steps
    box_of: Boxes
    folded: str = ""

    @property
    def whole(self) -> bool:
        """True if every step is shown."""
        return not self.folded

    def nodes(self) -> int:
        """The number of nodes to draw."""
        split = sum(is_split(s) for s in self.recorded) if self.whole else 0
        return len(set(self.box_of.values())) + split

    def fits(self, most: int) -> bool:
        """True if there are at most `most` nodes, and few enough edges to be read."""
        return self.nodes() <= most and len(self.edges()) <= 2 * most

    def edges(self) -> list[tuple[Any, Any]]:
        """The edges from box to box, in order; hidden steps between two boxes are passed over.

        The whole view has an edge for every use, so that x * x has two.
        """
        boxes = list(dict.fromkeys(self.box_of.values()))
        bit = {box: 1 << k for k, box in enumerate(boxes)}
        behind: list[int] = []  # for each step, the nearest boxes before it, as bits
        found: list[tuple[Any, Any]] = []
        for s in self.recorded:
            box = self.box_of.get(s.number)
            through = 0
            for x in s.inputs:
                if isinstance(x, Step):
                    if box is None:
                        through |= behind[x.number]
                    else:
                        found.extend((b, box) for b in chosen(boxes, behind[x.number]) if b != box)
            behind.append(through if box is None else bit[box])
        return found if self.whole else list(dict.fromkeys(found))


def chosen(boxes: list[int | str], bits: int) -> Iterator[int | str]:
    """The boxes whose bits are set."""
    while bits:
        lowest = bits & -bits
        yield boxes[lowest.bit_length() - 1]
        bits ^= lowest


def is_split(s: Step) -> bool:
    """True for a step that is drawn as two nodes: the operation, and the tensor with its name."""
    return s.op is not None and s.label is not None


def views(recorded: Steps, member: Mapping[int, str], most: int) -> Iterator[View]:
    """The views of a tape from everything down to two nodes, each shorter than the one before."""
    yield View(recorded, {s.number: s.number for s in recorded})
    box_of: Boxes = {s.number: member.get(s.number, s.number) for s in recorded}
    said = ["each group is one node"] if member else []
    if member:
        yield View(recorded, box_of, said[0])
    if sum(is_split(s) for s in recorded) <= FEW_NAMES:
        for folded, what in (
            (_repetitions(recorded, box_of), "what repeats is one node each time"),
            (_stretches(recorded, box_of, most), "operations in a row are one node"),
        ):
            yield View(recorded, folded, "; ".join([*said, what]))
    for keep, left_out in (
        (lambda s: s.label, "what has no name is left out"),
        (lambda s: s.label and s.op, "leaves and what has no name are left out"),
    ):
        box_of = {
            s.number: box_of[s.number]
            for s in recorded
            if s.number in member or s is recorded.cost or keep(s)
        }
        yield View(recorded, box_of, "; ".join([*said, left_out]))
    boxes = list(dict.fromkeys(box_of.values()))
    half = min(most, len(boxes)) // 2
    while half:
        ends = {*boxes[:half], *boxes[-half:]}
        each = f" {half}" if half > 1 else ""
        rest = f"of the {len(boxes)} nodes that remain, only the first and the last{each}"
        shown = {number: box for number, box in box_of.items() if box in ends}
        yield View(recorded, shown, "; ".join([*said, left_out, rest]))
        half //= 2


def _repetitions(recorded: Steps, box_of: Boxes) -> Boxes:
    """Boxes in which each repetition of the same operations is one; of many, most are one together.

    A loop of a program is such a pattern: the same operations on the same shapes.
    """
    boxes = dict(box_of)
    for row in _nameless(recorded, box_of):
        done, at = [(s.name, s.shape) for s in row], 0
        while at < len(row):
            length, times = _repeats_from(done, at)
            said = ", ".join(dict.fromkeys(name for name, _ in done[at : at + length]))
            for k in range(times if times > 2 else 0):
                one = times < 7 or k < 2 or k == times - 1
                which = str(k + 1) if one else f"3 to {times - 1}"
                for s in row[at + k * length : at + (k + 1) * length]:
                    boxes[s.number] = f"{which} of {times}: {said}, from %{row[at].number}"
            at += length * times if times > 2 else 1
    return _with_their_leaves(recorded, boxes)


def _repeats_from(done: Sequence[object], at: int) -> tuple[int, int]:
    """The length of what repeats from here on, and how often: what covers most."""
    best = (1, 1)
    for length in range(1, min(PERIOD, (len(done) - at) // 3) + 1):
        pattern, times = done[at : at + length], 1
        while done[at + times * length : at + (times + 1) * length] == pattern:
            times += 1
        if times > 2 and length * times > best[0] * best[1]:
            best = (length, times)
    return best


def _stretches(recorded: Steps, box_of: Boxes, most: int) -> Boxes:
    """Boxes of as many operations in a row as leave a readable picture."""
    rows = _nameless(recorded, box_of)
    size = max(1, -(-sum(map(len, rows)) // max(most // 4, 1)))
    boxes = dict(box_of)
    for row in rows if size > 1 else ():
        for start in range(0, len(row), size):
            within = row[start : start + size]
            said = ", ".join(dict.fromkeys(s.name for s in within))
            for s in within:
                boxes[s.number] = f"%{within[0].number} to %{within[-1].number}: {said}"
    return _with_their_leaves(recorded, boxes)


def _nameless(recorded: Steps, box_of: Boxes) -> list[list[Step]]:
    """Rows of operations without a name that belong to no group, and with no other between them.

    As these are in the order of the tape, boxes of neighbours never depend on each other in a
    circle.
    """
    rows: list[list[Step]] = [[]]
    for s in recorded:
        if s.op and (s.label or box_of[s.number] != s.number or s is recorded.cost):
            rows.append([])
        elif s.op:
            rows[-1].append(s)
    return rows


def _with_their_leaves(recorded: Steps, boxes: Boxes) -> Boxes:
    """The boxes, with every nameless leaf in the box in which alone it is used."""
    users: dict[int, set[int | str]] = {}
    for s in recorded:
        for x in s.inputs:
            if isinstance(x, Step) and x.op is None and not x.label:
                users.setdefault(x.number, set()).add(boxes[s.number])
    alone = {n: next(iter(found)) for n, found in users.items() if len(found) == 1}
    return {**boxes, **{n: box for n, box in alone.items() if isinstance(box, str)}}
