"""From repeated runs to statements: how much, how sure, and where the data cannot tell."""
