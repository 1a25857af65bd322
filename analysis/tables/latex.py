"""Tables as LaTeX with booktabs, to be read by \\input into a paper."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from pathlib import Path

from analysis.statistics.tables import NOT_RESOLVED
from analysis.tables.model import Document, Entry, Footnotes, Row, Table

PACKAGES = "booktabs, longtable, amssymb, url; \\usepackage[utf8]{inputenc}"
GAP = r"\setlength{\belowcaptionskip}{4pt}"
HEADING = 12
"""Letters of a column's heading on one line."""
NAME = 24
"""Letters of a row's name on one line."""
WIDE = 96
"""Letters of a row from which a page is too narrow for the usual size."""
ABBREVIATED = "n.r."
LONG = 40
"""Rows from which a table may run over several pages."""
SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "±": r"\ensuremath{\pm}",
    "−": r"\ensuremath{-}",
    "→": r"\ensuremath{\rightarrow}",
    "Δ": r"\ensuremath{\Delta}",
    "✓": r"\ensuremath{\checkmark}",
    "·": r"\ensuremath{\cdot}",
    "–": "--",
    "×": r"\ensuremath{\times}",
}


def to_latex(document: Document, records: Path) -> str:
    """`records`: the file that the line below the table names for the ids of the runs."""
    head = f"% Needs the packages {PACKAGES}.\n"
    return head + "\n".join(_table(table, records) for table in document.tables)


def _table(table: Table, records: Path) -> str:
    wide = _letters(table) > WIDE
    if wide:
        table = _abbreviated(table)
    notes = Footnotes()
    rows = [
        line
        for place, section in enumerate(table.sections)
        for line in (
            *_heading(section.heading, len(table.columns), place),
            *(_row(row, notes) for row in section.rows),
        )
    ]
    spec = "@{}" + "".join("l" if c.align == "left" else "r" for c in table.columns) + "@{}"
    header = " & ".join(_title(column.title) for column in table.columns) + r" \\"
    caption = rf"\caption{{\textbf{{{escape(table.title)}.}} {escape(table.caption)}}}"
    label = rf"\label{{tab:{table.name}}}"
    below = _below(table, notes, records)
    size, gap = (r"\scriptsize", 2.5) if wide else (r"\footnotesize", 3.5)
    style = [size, rf"\setlength{{\tabcolsep}}{{{gap}pt}}"]
    if len(rows) > LONG:
        body = [
            rf"\begin{{longtable}}{{{spec}}}",
            caption + label + r"\\",
            *(r"\toprule", header, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot"),
            *rows,
            r"\end{longtable}",
        ]
        return "\n".join(["{", GAP, *style, *body, *below, "}"]) + "\n"
    body = [
        rf"\begin{{tabular}}{{{spec}}}",
        *(r"\toprule", header, r"\midrule", *rows, r"\bottomrule"),
        r"\end{tabular}",
    ]
    opening = [r"\begin{table}[htbp]", r"\centering", GAP, caption, label, *style]
    return "\n".join([*opening, *body, *below, r"\end{table}"]) + "\n"


def _letters(table: Table) -> int:
    """Of the longest entries of all columns side by side, headings among them."""
    widest = [
        max(
            *(len(line) for line in textwrap.wrap(column.title, HEADING) or [""]),
            *(len(row.entries[place].text) for row in table.rows()),
            0,
        )
        for place, column in enumerate(table.columns)
    ]
    return sum([min(widest[0], NAME), *widest[1:]]) if widest else 0


def _abbreviated(table: Table) -> Table:
    """The words that every other row repeats, in short, with a remark that says what they mean."""

    def short(entry: Entry) -> Entry:
        return replace(entry, text=entry.text.replace(NOT_RESOLVED, ABBREVIATED))

    sections = tuple(
        replace(
            section,
            rows=tuple(
                replace(row, entries=tuple(map(short, row.entries))) for row in section.rows
            ),
        )
        for section in table.sections
    )
    if sections == table.sections:
        return table
    return replace(
        table, sections=sections, notes=(f"{ABBREVIATED}: {NOT_RESOLVED}.", *table.notes)
    )


def _heading(text: str, columns: int, place: int) -> list[str]:
    if not text:
        return []
    lines = [r"\midrule"] if place else []
    return [*lines, rf"\multicolumn{{{columns}}}{{@{{}}l}}{{\textit{{{escape(text)}}}}} \\"]


def _title(text: str) -> str:
    """Words one below the other, so that a long heading does not widen its column."""
    return _stacked(text, HEADING, "c")


def _stacked(text: str, letters: int, align: str) -> str:
    wrapped = textwrap.wrap(text, letters, break_long_words=False, break_on_hyphens=False)
    lines = [_not_an_option(escape(line)) for line in wrapped] or [""]
    if len(lines) == 1:
        return lines[0]
    return rf"\shortstack[{align}]{{" + r"\\".join(lines) + "}"


def _not_an_option(line: str) -> str:
    r"""Behind the `\\` of the line above, LaTeX would take `[ours]` for a distance."""
    return "{}" + line if line.startswith(("[", "*")) else line


def _row(row: Row, notes: Footnotes) -> str:
    entries = []
    for place, entry in enumerate(row.entries):
        numbers = [notes.number(note) for note in entry.notes]
        raised = rf"\textsuperscript{{{','.join(map(str, numbers))}}}" if numbers else ""
        text = _text(entry) if place else _stacked(entry.text, NAME, "l")
        entries.append(text + raised)
    return " & ".join(entries) + r" \\"


def _text(entry: Entry) -> str:
    text = escape(entry.text)
    if entry.mark == "best":
        # Mathematical signs take their weight from the formula around them.
        return rf"\textbf{{\boldmath {text}}}"
    return rf"\underline{{{text}}}" if entry.mark == "second" else text


def _below(table: Table, notes: Footnotes, records: Path) -> list[str]:
    told = [escape(note) for note in table.notes]
    for number, text in enumerate(notes.texts, start=1):
        told.append(rf"\textsuperscript{{{number}}}\,{escape(text)}")
    if any(row.runs for row in table.rows()):
        told.append(rf"The runs behind every row: \path{{{_path(records.as_posix())}}}.")
    if not told:
        return []
    lines = [r"\par\smallskip\noindent\parbox{\linewidth}{\scriptsize\raggedright"]
    return [*lines, *(f"{line}\\par" for line in told), "}"]


def _path(text: str) -> str:
    """Inside \\path everything but braces and per cent signs stands for itself."""
    return text.replace("{", "(").replace("}", ")").replace("%", "")


def escape(text: str) -> str:
    told = "".join(SIGNS.get(sign, sign) for sign in text)
    return re.sub(r"AP\\_([SML])\b", r"AP\\textsubscript{\1}", told)
