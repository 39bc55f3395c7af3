"""Entries, documents, and the check, which tries every formula on many networks.

A formula's value is compared with the tape, and the tape with central differences as a second
opinion. The verdict follows from these comparisons alone; the recorded verdict only serves to
notice a change.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib import import_module, resources
from numbers import Number
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..closed_form import relative_error
from .notes import NoteSection, Reading, conventions, mathematics, plain, sections, verdict_of
from .passes import DifferencePass, ForwardPass, Pass, TapePass
from .procedures import Run
from .standard import columns, layers, networks, once
from .strict import NotConforming, Undefined

NUMBERS = ("000", "001", "002", "003", "004")
FORMULA_TOLERANCE = 1e-10  # of a formula against the tape, relative to the largest component
JUDGES = 1e-5  # of central differences against the tape

Formula = Callable[..., Any]


@dataclass(frozen=True)
class Setting:
    """A forward pass, and the networks on which formulas are tried with it.

    `networks(rng, count)` yields `count` networks; see `nn.documents.networks` and `columns`.
    """

    forward: ForwardPass = columns
    networks: Callable[[np.random.Generator, int], Iterable[SimpleNamespace]] = networks


@dataclass(frozen=True)
class Entry:
    """One formula of a document: as printed, what it claims to equal, and its correction.

    `formula(v, *index)` is the printed right-hand side in NumPy for the pass `v`; it is evaluated
    at each index in `over(v)` (`layers`, `hidden`, `once`, or your own). `equals` is the quantity
    that the formula claims to be: "Z{l}" (a value), "∂J/∂W{l}" (a derivative), or a function of
    a pass and the index, which is called with the passes of the two judges. A wrong formula has a
    `corrected` form and says `why`; `corrected_equals` corrects a wrong left-hand side.
    `elsewhere` is the differing form of another place. An entry of a note has a `reading`, and no
    formula unless its meaning was written `by_hand`, for the reason given. `verdict` is the
    recorded verdict: by default "convention" with `elsewhere`, "misprint" with a correction, and
    "holds" without both.

    >>> Entry("2.10", "∂J/∂Z[l] = ∂J/∂A[l] ∘ g′(Z[l])", equals="∂J/∂Z{l}",
    ...       formula=lambda v, l: v.d("J", f"A{l}") * v.g_prime[l](v.Z[l])).label
    '2.10'
    """

    label: str
    printed: str = ""
    formula: Formula | None = None
    equals: str | Callable[..., Any] = ""
    over: Callable[[Any], Iterable[Any]] = layers
    shapes: str = ""
    printed_latex: str = ""
    verdict: str = ""
    silent: bool = False
    corrected: str = ""
    corrected_formula: Formula | None = None
    corrected_equals: str | Callable[..., Any] | None = None
    corrected_latex: str = ""
    why: str = ""
    elsewhere: Formula | None = None
    damaged: bool = False  # plainly by the transcription, not by the author
    setting: Setting | None = None  # if it is not the document's
    reading: Reading | None = None
    by_hand: str = ""

    def __post_init__(self) -> None:
        if self.formula is None and self.reading is None:
            raise TypeError(f"{self.label}: an entry needs a formula, or a reading of a note")
        if not self.verdict:
            wrong = "misprint" if self.corrected_formula else "holds"
            object.__setattr__(self, "verdict", "convention" if self.elsewhere else wrong)


whole_network = partial(Entry, over=once)  # about no layer in particular: tried once on each


@dataclass(frozen=True)
class Document:
    """A derivation: its entries in the order of its pages, and the setting that they share.

    `run(rng)` runs its procedure beside the tape, if it has one: see `nn.documents.procedures`.
    `note` is the text from which its entries come, if they come from one.
    """

    number: str
    title: str
    entries: Sequence[Entry]
    convention: str = ""
    setting: Setting = field(default_factory=Setting)
    run: Callable[[int], Run] | None = None
    author: str = ""
    note: str = ""

    @property
    def title_and_author(self) -> str:
        """The title, and in brackets the author where one is named."""
        return f"{self.title} ({self.author})" if self.author else self.title

    def entry(self, label: str) -> Entry:
        """The entry with this label."""
        for entry in self.entries:
            if entry.label == label:
                return entry
        labels = ", ".join(entry.label for entry in self.entries)
        raise KeyError(f"document {self.number} has no entry {label!r}; its labels are {labels}")


@dataclass(frozen=True)
class Result:
    """The result for one entry.

    An error is the largest over all networks on which the formula has a value, relative to the
    quantity's largest component; it is None if the formula never has one. `silent` says that the
    formula conforms on some network and is wrong there, so that only the comparison shows it.
    `shapes` says how often it was right, wrong, or did not conform. `by_hand` is why the formula
    was not read as it is printed; "" if it was, or is an entry of your own.
    """

    document: str
    label: str
    printed: str
    verdict: str
    silent: bool
    printed_error: float | None
    corrected: str
    corrected_error: float | None
    why: str
    shapes: str
    printed_latex: str
    corrected_latex: str
    recorded: str
    recorded_silent: bool
    judges_error: float
    damaged: bool
    by_hand: str = ""

    @property
    def drifted(self) -> bool:
        """True if this is not the result recorded for the entry."""
        return (self.verdict, self.silent) != (self.recorded, self.recorded_silent)


def document(number: str) -> Document:
    """One of the five documents.

    >>> document("007")
    Traceback (most recent call last):
    KeyError: "there is no document '007'; there are 000, 001, 002, 003, 004"
    """
    if number not in NUMBERS:
        raise KeyError(f"there is no document {number!r}; there are {', '.join(NUMBERS)}")
    return import_module(f".document_{number}", __package__).DOCUMENT


def from_note(number: str, by_hand: Sequence[Entry] = (), **more: Any) -> Document:
    """The document of the note `document_NNN.md`; `by_hand` are the meanings that it asks for.

    Raises ValueError where the note asks for others than there are.
    """
    note = resources.files(__package__).joinpath(f"document_{number}.md").read_text("utf-8")
    said, written = conventions(note), {entry.label: entry for entry in by_hand}
    entries = [_entry(about, section, written.pop(section.heading, None))
               for about, section in sections(note)]  # fmt: skip
    if written:
        raise ValueError(f"document {number} has no formula {', '.join(written)}")
    more["author"] = said.get("author", "")
    return Document(number, said["title"], entries, said["about"], note=note, **more)


def _entry(about: str, section: NoteSection, meaning: Entry | None) -> Entry:
    """The entry of a section of a note."""
    said = section.items
    if ("by hand" in said) != (meaning is not None or "meaning" in said):
        raise ValueError(f"{section.heading}: `by hand` and a meaning go together")
    verdict, *more = said.get("", "holds").split(", ")
    other = {kind: said.get(kind, "") for kind in ("right", "elsewhere", "meaning")}
    reading = Reading(about, section.text, **other)
    printed, right = mathematics(reading.printed), mathematics(reading.right)
    return replace(
        meaning or Entry(section.heading, reading=reading),
        reading=reading, printed=printed, printed_latex=printed, verdict=verdict,
        silent="silent" in more, damaged="damaged" in more, why=said.get("why", ""),
        corrected=right, corrected_latex=right, by_hand=said.get("by hand", ""),
    )  # fmt: skip


def check(
    documents: str | Document | Iterable[str | Document] | None = None,
    rng: int | np.random.Generator = 0,
    networks: int = 35,
) -> list[Result]:
    """Try every formula of the documents on `networks` random networks.

    `documents` are numbers, or Documents of your own; None means all five. Raises KeyError for an
    unknown number, TypeError for an entry that is not an Entry, and ValueError for fewer than one
    network.

    >>> [r.verdict for r in check("002", networks=6)][:3]
    ['misprint', 'definition', 'misprint']
    """
    if not isinstance(networks, int) or networks < 1:
        raise ValueError(f"networks={networks!r}: it must be a whole number, 1 or more")
    if documents is None:
        documents = NUMBERS
    elif isinstance(documents, str | Document) or not isinstance(documents, Iterable):
        documents = [documents]
    chosen = [d if isinstance(d, Document) else document(d) for d in documents]
    seeds = np.random.default_rng(rng).spawn(len(NUMBERS) + len(chosen))
    known = dict(zip(NUMBERS, seeds, strict=False))
    return [
        result
        for i, d in enumerate(chosen)
        for result in check_document(d, known.get(d.number, seeds[len(NUMBERS) + i]), networks)
    ]


def check_document(
    document: Document, rng: np.random.Generator, networks: int = 35
) -> Iterator[Result]:
    """The results for one document, in order."""
    trials: dict[int, list[Trial]] = {}
    seed = int(rng.spawn(1)[0].integers(2**32))
    for entry in document.entries:
        if not isinstance(entry, Entry):
            raise TypeError(f"document {document.number} holds {entry!r}, which is no Entry")
        if entry.formula is None:
            yield judge_reading(entry, document.number, seed)
            continue
        setting = entry.setting or document.setting
        if id(setting) not in trials:
            nets = setting.networks(rng, networks)
            trials[id(setting)] = [Trial(setting.forward, net) for net in nets]
        yield judge(entry, trials[id(setting)], document.number)


class Trial:
    """One network: its pass, from which formulas read, and the two judges, made when needed."""

    def __init__(self, forward: ForwardPass, net: SimpleNamespace) -> None:
        self._forward, self.net = forward, net
        self.values = Pass(forward, net)
        self._truths: dict[Any, tuple[np.ndarray, float]] = {}

    @cached_property
    def tape(self) -> TapePass:
        return TapePass(self._forward, self.net)

    @cached_property
    def differences(self) -> DifferencePass:
        return DifferencePass(self._forward, self.net)

    def truth(self, equals: str | Callable[..., Any], index: tuple) -> tuple[np.ndarray, float]:
        """A quantity by the tape, and its distance from central differences."""
        key = (equals, index)
        if key not in self._truths:
            tape, second = (np.asarray(quantity(equals, p, index)) for p in self.judges())
            self._truths[key] = (tape, distance(second, tape, floor=1e-4))
        return self._truths[key]

    def judges(self) -> tuple[Pass, Pass]:
        return self.tape, self.differences


def quantity(equals: str | Callable[..., Any], v: Pass, index: tuple) -> Any:
    """The quantity that an entry names, for the pass `v`."""
    if not isinstance(equals, str):
        return equals(v, *index)
    name = equals.format(l=index[0]) if index else equals
    if not name.startswith("∂"):
        return v.value(name)
    of, wrt = name.split("/")
    return v.d(of.removeprefix("∂"), wrt.removeprefix("∂"))


def distance(got: Any, truth: Any, floor: float = 0.0) -> float:
    """The largest difference, relative to the largest component of the two (and the floor)."""
    got, truth = np.asarray(got, dtype=float), np.asarray(truth, dtype=float)
    largest = max(np.max(np.abs(got), initial=0), np.max(np.abs(truth), initial=0), floor)
    return relative_error(got, truth, largest)


@dataclass
class Tally:
    """How often a formula was right, was wrong, or had no value, and an example of each."""

    right: int = 0
    wrong: int = 0
    nonconforming: int = 0
    undefined: int = 0
    failed: int = 0
    error: float | None = None
    example: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, error: float | None = None, example: str = "") -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.example.setdefault(kind, example)
        if error is not None:
            self.error = error if self.error is None else max(self.error, error)

    @property
    def holds(self) -> bool:
        return self.right > 0 and self.right == self.tried

    @property
    def tried(self) -> int:
        return self.right + self.wrong + self.nonconforming + self.undefined + self.failed

    def __str__(self) -> str:
        """The counts and the examples, in words."""
        if not self.tried:
            return "never tried: there was no index to try it at"
        parts = []
        for kind in ("right", "wrong", "nonconforming", "undefined", "failed"):
            if n := getattr(self, kind):
                example = self.example[kind]
                parts.append(f"{n} {kind}" + (f", such as {example}" if example else ""))
        return f"of {self.tried}: " + "; ".join(parts)


def attempt(
    formula: Formula, v: Pass, index: tuple, truth: np.ndarray
) -> tuple[str, float | None, str]:
    """Evaluate a formula once, and return the kind of outcome, the error, and an example."""
    try:
        with np.errstate(all="ignore"):
            got = formula(v, *index)
    except (NotConforming, IndexError) as problem:
        return "nonconforming", None, str(problem)
    except Undefined as problem:
        return "undefined", None, str(problem.args[0])
    except Exception as problem:  # formulas of users may raise anything; the others still run
        return "failed", None, f"{type(problem).__name__}: {problem}"
    if not isinstance(got, np.ndarray | Number | np.bool_):
        return "failed", None, f"a {type(got).__name__} in place of an array"
    got = np.asarray(got)
    if got.shape != truth.shape:
        return "nonconforming", None, f"{got.shape} in place of {truth.shape}"
    if got.dtype.kind not in "biuf":
        return "failed", None, f"{got.dtype} in place of real numbers"
    if not np.all(np.isfinite(got)):
        return "failed", None, "nan or infinity"
    error = distance(got, truth)
    return ("right" if error <= FORMULA_TOLERANCE else "wrong"), error, ""


def judge(entry: Entry, trials: Sequence[Trial], number: str = "") -> Result:
    """Try one entry on every trial, at every index."""
    printed_text, corrected_text = entry.printed, entry.corrected
    if entry.reading is not None:
        printed_text, corrected_text = map(plain, (entry.reading.printed, entry.reading.right))
    forms = {
        "printed": (entry.formula, entry.equals),
        "corrected": (entry.corrected_formula, entry.corrected_equals or entry.equals),
        "elsewhere": (entry.elsewhere, entry.equals),
    }
    tallies = {name: Tally() for name in forms}
    judges_error = 0.0
    for trial, index in _tries(entry, trials, tallies["printed"]):
        for name, (formula, equals) in forms.items():
            if formula is None:
                continue
            try:
                truth, disagreement = trial.truth(equals, index)
            except Exception as problem:  # a user's function, too: named, and the others still run
                what = f"what it equals: {type(problem).__name__}: {problem}"
                tallies[name].add("failed", None, what)
                continue
            judges_error = max(judges_error, disagreement)
            tallies[name].add(*attempt(formula, trial.values, index, truth))
    printed, corrected = tallies["printed"], tallies["corrected"]
    verdict = _verdict(entry, printed, corrected, tallies["elsewhere"])
    shapes = str(printed)
    if judges_error > JUDGES:
        verdict, shapes = "error", f"the judges differ by {judges_error:.0e}; {shapes}"
    return _result(
        entry, number, verdict, printed.wrong > 0,
        printed=printed_text, printed_error=printed.error, corrected=corrected_text,
        corrected_error=corrected.error if corrected.holds or corrected.wrong else None,
        shapes=": ".join(filter(None, [entry.shapes, shapes])), judges_error=judges_error,
    )  # fmt: skip


def judge_reading(entry: Entry, number: str = "", rng: int = 0) -> Result:
    """Judge an entry as its note is read."""
    assert entry.reading is not None
    verdict, printed, right = verdict_of(entry.reading, rng)
    problem = printed.setting_problem
    if right is not None and not right.holds:
        verdict, problem = "error", f"the right form: {right.tried or right.setting_problem}"
    return _result(
        entry, number, verdict, printed.silent,
        printed=plain(entry.reading.printed) if entry.reading.meaning else printed.text,
        printed_error=printed.error,
        corrected=right.text if right else "", corrected_error=right.error if right else None,
        shapes="; ".join(filter(None, (problem, printed.tried))), judges_error=0.0,
    )  # fmt: skip


def _result(entry: Entry, number: str, verdict: str, silent: bool, **found: Any) -> Result:
    """What was found of an entry, beside what is recorded of it."""
    return Result(
        document=number, label=entry.label, verdict=verdict,
        silent=silent and verdict in ("misprint", "undefined", "false"), why=entry.why,
        printed_latex=entry.printed_latex, corrected_latex=entry.corrected_latex,
        recorded=entry.verdict, recorded_silent=entry.silent, damaged=entry.damaged,
        by_hand=entry.by_hand, **found,
    )  # fmt: skip


def _tries(entry: Entry, trials: Sequence[Trial], printed: Tally) -> Iterator[tuple[Trial, tuple]]:
    """Every trial with every index; if `over` raises, that counts as a failure."""
    for trial in trials:
        try:
            indices = list(entry.over(trial.values))
        except Exception as problem:  # as above
            printed.add("failed", None, f"its indices: {type(problem).__name__}: {problem}")
            continue
        for index in indices:
            yield trial, index if isinstance(index, tuple) else (index,)


def _verdict(entry: Entry, printed: Tally, corrected: Tally, elsewhere: Tally) -> str:
    """The verdict that follows from the tallies of the three forms."""
    if not printed.tried or printed.failed:
        return "error"
    if printed.holds:
        return "convention" if entry.elsewhere and not elsewhere.holds else "holds"
    if printed.undefined:
        return "undefined"
    return "misprint" if corrected.holds else "false"
