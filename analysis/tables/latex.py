"""Tables as LaTeX with booktabs, to be read by \\input into a paper."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from analysis.tables.model import Document, Entry, Footnotes, Row, Table

PACKAGES = "booktabs, longtable, amssymb, url; \\usepackage[utf8]{inputenc}"
GAP = r"\setlength{\belowcaptionskip}{4pt}"
HEADING = 12
"""Letters of a column's heading on one line."""
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
    style = [r"\footnotesize", r"\setlength{\tabcolsep}{3.5pt}"]
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


def _heading(text: str, columns: int, place: int) -> list[str]:
    if not text:
        return []
    lines = [r"\midrule"] if place else []
    return [*lines, rf"\multicolumn{{{columns}}}{{@{{}}l}}{{\textit{{{escape(text)}}}}} \\"]


def _title(text: str) -> str:
    """Words one below the other, so that a long heading does not widen its column."""
    lines = [escape(line) for line in textwrap.wrap(text, HEADING, break_long_words=False)]
    return lines[0] if len(lines) == 1 else r"\shortstack{" + r"\\".join(lines) + "}"


def _row(row: Row, notes: Footnotes) -> str:
    entries = []
    for entry in row.entries:
        numbers = [notes.number(note) for note in entry.notes]
        raised = rf"\textsuperscript{{{','.join(map(str, numbers))}}}" if numbers else ""
        entries.append(_text(entry) + raised)
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
