"""In which language a command speaks to people."""

import itertools
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Language(StrEnum):
    """The languages of help and tables. Messages and errors are Chinese."""

    ZH = "zh"
    EN = "en"


def language_of(arguments: Sequence[str], environ: Mapping[str, str]) -> Language:
    """Return the language that a command line asks for, else that of the environment.

    The line is looked at before it is parsed: `--help` is answered while it is. The first
    of LC_ALL, LC_MESSAGES and LANG that is set decides, and only `en…` is English.
    """
    pairs = itertools.pairwise([*arguments, ""])
    asked = [after if here == "--lang" else here.removeprefix("--lang=") for here, after in pairs
             if here == "--lang" or here.startswith("--lang=")]  # fmt: skip
    if asked and asked[-1] in set(Language):
        return Language(asked[-1])
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "")
    return Language.EN if locale.startswith("en") else Language.ZH
