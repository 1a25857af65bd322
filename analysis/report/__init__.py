"""One self-contained page per suite: the answer, what it rests on, and how to make it again."""
