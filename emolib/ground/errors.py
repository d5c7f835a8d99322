"""The one error a reader is meant to see: a line that says what is wrong and what to do."""


class EmolibError(Exception):
    """Bad input, said in one line: the file or value, what was expected, what to do.

    The command line prints it without a traceback and ends with exit status 2.
    """


def nearest(name, known, *, what):
    """An error for an unknown `name`, with the nearest known names (difflib) as a hint."""
    import difflib

    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known[:12])}"
    return EmolibError(f"unknown {what} '{name}': {hint}")
