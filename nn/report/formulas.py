"""Sections of the report: the summary, the wrong formulas of the documents, and all formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nn.documents import Document, Result
from nn.documents.checked import VERDICTS, WRONG, Checked
from nn.report.markup import Markup, Section, captioned_table, formula, markup, number, tag

SILENT = "on some network it conforms and is wrong: only the comparison shows it"
DAMAGED = "plainly by the transcription of the document, not by its author"


def formula_sections(checked: Checked) -> Iterator[Section]:
    """The name, the title and the content of the sections that list formulas."""
    yield "misprints", "What is wrong as printed", misprints(checked)
    yield "formulas", "Every formula", every_formula(checked)


def summary_section(checked: Checked, rng: int) -> Markup:
    """The section that says what was checked, how, and with what result."""
    verdicts, counts = checked.counts()
    rows = [
        [
            [tag("b", d.number), " ", d.title_and_author],
            *(n or "·" for n in (*found, silent)),
            sum(found),
        ]
        for d, found, silent in counts
    ]
    words = {v: VERDICTS[v] for v in verdicts} | {"silent": SILENT, "damaged": DAMAGED}
    legend = [[tag("dt", badge(word)), tag("dd", meaning)] for word, meaning in words.items()]
    outcome = tag("p", checked.summary, class_="outcome" if checked.as_recorded else "alarm")
    return markup([
        outcome,
        tag("p", "Every formula of the documents was evaluated as it is printed, in NumPy, on "
            "random networks of many shapes, and compared with the gradients on the tape, for "
            "which central differences are the second opinion. The verdict follows from what "
            f"happened. Everything on this page was computed when it was made, with seed {rng}."),
        *[tag("p", f"Left out: {problem}", class_="alarm") for problem in checked.skipped],
        captioned_table("Formulas by document and verdict",
                        ["document", *verdicts, "silent", "all"], rows, class_="counts"),
        tag("details", tag("summary", "What the words mean"), tag("dl", legend, class_="legend")),
        *_conflicts(checked),
    ])  # fmt: skip


def _conflicts(checked: Checked) -> Iterator[Markup]:
    """The table of what documents declare in different ways, if they do."""
    numbers, rows = checked.differences(missing="·")
    if rows:
        caption = "Where documents differ in what they declare"
        yield captioned_table(caption, ["fact", *numbers], rows)


def misprints(checked: Checked) -> Markup:
    """A card for each formula that does not hold, folded by document; `page.js` finds words."""
    parts = []
    for document in checked.documents:
        wrong = [r for r in _of(document, checked.results) if r.verdict in WRONG or r.drifted]
        if wrong:
            title = [
                f"{document.number} ",
                tag("span", document.title_and_author),
                f" ({len(wrong)})",
            ]
            cards = tag("div", map(card, wrong), class_="cards")
            parts.append(tag("details", tag("summary", title), cards))
    if not parts:
        return tag("p", "Nothing: every formula that was checked holds.")
    only = tag("input", type="checkbox", id="only-silent")
    find = tag("input", type="search", id="find", autocomplete="off")
    choices = [
        tag("label", "find ", find, hidden=""),
        tag("label", only, " only the silent ones: those that give numbers, and wrong ones"),
    ]
    return markup([tag("p", choices, class_="choice"), *parts])


def card(result: Result) -> Markup:
    """The card of a formula that does not hold: printed, right, why, and how often it conforms."""
    right = result.corrected and [
        tag("dt", "right"),
        tag("dd", formula(result.corrected_latex, result.corrected)),
    ]
    tried = [f"Tried: {result.shapes}."]
    if result.silent and result.printed_error is not None:
        tried.append(f"Relative error as printed: {number(result.printed_error, 2)}.")
    if result.corrected_error is not None:
        tried.append(f"Of the right form: {number(result.corrected_error, 1)}.")
    drift = result.drifted and tag("p", f"Recorded: {result.recorded}", class_="alarm")
    title = [result.label, " ", *badges(result)]
    return tag(
        "article",
        tag("h3", title),
        tag("dl", tag("dt", "printed"), tag("dd", formula(result.printed_latex, result.printed)),
            right or None),
        tag("p", result.why) if result.why else None,
        tag("p", " ".join(tried), class_="small"),
        by_hand(result),
        drift or None,
        class_="card silent" if result.silent else "card",
        id=anchor(result),
    )  # fmt: skip


def every_formula(checked: Checked) -> Markup:
    """A list of all formulas for each document, folded."""
    parts = []
    for document in checked.documents:
        found = list(_of(document, checked.results))
        title = [f"{document.number} ", tag("span", document.title_and_author), f" ({len(found)})"]
        says = tag("p", f"Conventions: {document.convention}") if document.convention else None
        rows = tag("ol", map(row, found), class_="formulas")
        parts.append(tag("details", tag("summary", title), says, rows))
    return markup(parts)


def row(result: Result) -> Markup:
    """One formula in the list of all."""
    verdict = badges(result)
    if result.verdict in WRONG:
        verdict.append(tag("a", "details", href=f"#{anchor(result)}"))
    elif result.printed_error is not None:
        verdict.append(tag("span", f"error {number(result.printed_error, 1)}", class_="small"))
    return tag(
        "li",
        tag("span", result.label, class_="label"),
        formula(result.printed_latex, result.printed),
        tag("span", verdict, class_="verdict"),
        tag("p", result.why, class_="small") if result.verdict == "convention" else None,
        by_hand(result) if result.verdict not in WRONG else None,
    )


def by_hand(result: Result) -> Markup | None:
    """Why a formula was not read as it is printed."""
    why = f"Its meaning was written by hand: {result.by_hand}."
    return tag("p", why, class_="small") if result.by_hand else None


def badges(result: Result) -> list[Markup]:
    """The verdict, "silent" and "damaged", as words with a colour."""
    words = [result.verdict, *(["silent"] if result.silent else [])]
    words += ["damaged"] if result.damaged else []
    return [badge(word) for word in words]


def badge(word: str) -> Markup:
    """A word with a colour."""
    return tag("span", word, class_=f"badge {word}")


def anchor(result: Result) -> str:
    """The id of a formula's card: letters, digits and signs, without a space."""
    return "-".join(f"{result.document} {result.label}".split())


def _of(document: Document, results: Sequence[Result]) -> Iterator[Result]:
    return (result for result in results if result.document == document.number)
