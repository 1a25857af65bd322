"""What goes wrong with data and is the user's to mend: told in one message, exit code 2."""


class DataError(Exception):
    """A message for a person: which file, key or id, what was found, what is allowed."""
