"""One definition of a table, written as Markdown, LaTeX, HTML and CSV."""
