"""Words that somebody chose, as a terminal may be given them. Pure."""


def clean(text: str) -> str:
    """Without what a terminal would obey: control and direction characters, each one as `?`.

    A branch, a model, a device or a reason may be called anything.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "?" for letter in text)
