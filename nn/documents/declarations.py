"""Where notes differ in what they declare: letters, layouts, numbering of layers, means, signs.

`declared` reads a note, of a document or any other: its front matter, the signs that it writes, and
the shapes and meanings of its names as the reader understands them. What a letter is for follows
from the definitions: Z is W A plus b, and a cost is a number with labels in it. Facts of which two
notes have nothing in common are `conflicts`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import autograd_lite as ag

from .notes import conventions, sections

Names = Mapping[str, tuple[str, str]]  # of each name: its shape, its meaning
Facts = defaultdict[str, set[str]]

WRITTEN = {
    "transpose": {"Aᵗ": r"\^\{?t\b", "Aᵀ": r"\^\{?(?:[\[(][^])]*[\])])?\\?(?:T|top)\b|ᵀ"},
    "elementwise product": {"∘": r"\\circ\b", "⊙": r"\\odot\b"},
    "number of a layer": {"A^[l]": r"\^\{\[", "A^(l)": r"\^\{\(", "A^l": r"\^\{?[lL]\b"},
}
AFFINE = re.compile(r"\((\S+) · (\S+)\) \+ (.*)")
APPLIED = re.compile(r"[^\s(]+\((\S+)\)")
LAYER = re.compile(r"(?:\[\w+\])+$|′+$")  # W[2], g[2][a], a′
INDEX = re.compile(r"_\{[^{}]*\}|_\d+|\[\w+\]|gathered|side_by_side")
WORD = re.compile(r"[^\W\d_]\w*")


@dataclass(frozen=True)
class Conflict:
    """A fact on which notes differ, and what each of them has, by the name of the note."""

    fact: str
    found: Mapping[str, str]


def conflicts(notes: Mapping[str, str]) -> Iterator[Conflict]:
    """The facts of which two of these notes, texts by name, have nothing in common."""
    every = {name: declared(note) for name, note in notes.items()}
    for fact in dict.fromkeys(fact for facts in every.values() for fact in facts):
        found = {name: facts[fact] for name, facts in every.items() if fact in facts}
        if any(a.isdisjoint(b) for a in found.values() for b in found.values()):
            yield Conflict(fact, {name: _in_a_cell(forms) for name, forms in found.items()})


def declared(note: str) -> Facts:
    """What a note says by declarations and definitions: each fact, and the forms that it takes."""
    facts: Facts = defaultdict(set)
    for key, value in conventions(note).items():
        if key not in ("title", "author", "about"):
            facts[f"`{key}`"].add(value)
    for fact, forms in WRITTEN.items():
        count = {form: len(re.findall(pattern, note)) for form, pattern in forms.items()}
        if any(count.values()):
            facts[fact].add(max(count, key=lambda form: count[form]))
    texts = dict.fromkeys(about for about, _ in sections(note)) or [note]
    networks = [ag.check_derivation(f"{text}\n", repairs=False).names for text in texts]
    layers: dict[str, str] = {}
    for names in networks:
        layers |= _letters_of_layers(names, facts)
    roles = dict(layers)
    for names in networks:
        roles |= _cost_and_labels(names, layers, facts)
    for letter, role in roles.items():
        facts[f"letter of {role}"].add(letter)
    for names in networks:
        _add_meanings(names, roles, facts)
    return facts


def _letters_of_layers(names: Names, facts: Facts) -> dict[str, str]:
    """What the letters of layers are, by the definitions of their sums."""
    roles: dict[str, str] = {}
    for name, (shape, meaning) in names.items():
        affine, applied = AFFINE.match(meaning), APPLIED.fullmatch(meaning)
        if applied and roles.get(_letter(applied[1])) == "sums":
            roles[_letter(name)] = "activations"
        if affine is None or shape == "a number":
            continue
        columns = _layer(affine[1]) == _layer(name)
        weights, before = affine.group(1, 2) if columns else affine.group(2, 1)
        facts["layout"].add("W A, samples are columns" if columns else "A W, samples are rows")
        if (samples := shape.split(" × ")[columns]) != "1":
            facts["letter of the number of samples"].add(samples)
        added = [x for x in _words(affine[3]) if names.get(x, ("", ""))[1] != "1"]  # b 1ᵀ
        roles |= {_letter(weights): "weights", _letter(name): "sums"}
        roles |= dict.fromkeys(added[:1], "biases")
        roles |= {_letter(before): "activations"} if _layer(before) else {}
    return roles


def _cost_and_labels(names: Names, layers: Mapping[str, str], facts: Facts) -> dict[str, str]:
    """The letters of the cost and of the labels, if this is a network."""
    found: dict[str, str] = {}
    if not any(layers.get(_letter(name)) == "sums" for name in names):
        return found
    given = {_letter(name) for name, (_, meaning) in names.items() if not meaning} - layers.keys()
    for name, (shape, meaning) in names.items():
        labels = given.intersection(_words(meaning))
        if labels and shape == "a number" and not _layer(name):
            found |= {name: "the cost"} | dict.fromkeys(labels, "labels")
            mean = re.search(r"/ \w+$", meaning)
            facts["cost"].add("mean over samples" if mean else "no mean")
    return found


def _add_meanings(names: Names, roles: Mapping[str, str], facts: Facts) -> None:
    """Where layers begin, the sign of errors, and what letters stand for that have no role."""
    numbers = [
        int(number[1])
        for name in names
        if roles.get(_letter(name)) == "weights" and (number := re.search(r"\[(\d+)\]", name))
    ]
    if numbers:
        facts["first layer of weights"].add(str(min(numbers)))
    for name, (_, meaning) in names.items():
        said = WORD.sub(lambda m: roles.get(m[0], m[0]), INDEX.sub("", meaning))
        for error in re.findall("activations − labels|labels − activations", said):
            facts["error"].add(error)
        if said and roles and _letter(name) not in roles:
            facts[f"meaning of {_letter(name)}"].add(said)
            if said.startswith("∂the cost"):
                facts[f"letter of {said}"].add(_letter(name))


def _in_a_cell(forms: set[str]) -> str:
    """The shortest form, and what others fit into a cell of a table."""
    first, *others = sorted(forms, key=lambda form: (len(form), form))
    return " or ".join([first, *(form for form in others if len(form) < 20)])


def _words(meaning: str) -> list[str]:
    """The letters in a meaning, without their layers and indices."""
    return WORD.findall(INDEX.sub("", meaning))


def _layer(name: str) -> str:
    found = LAYER.search(name)
    return found[0] if found else ""


def _letter(name: str) -> str:
    return LAYER.sub("", name)
