"""Masks personal data so that it stays recognisable."""

import re

# ASCII: a number may follow a Chinese character at once, but is no part of an id.
_MOBILE = re.compile(r"(?<![\w.])((?:\+?86[- ]?)?1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})(?!\w)", re.ASCII)
_LANDLINE = re.compile(r"(?<![\w.-])(\(?0[1-9]\d{1,2}\)?[- ]?)\d{3,4}(\d{4})(?![\w-])", re.ASCII)
_IDENTITY = re.compile(r"(?<!\w)(\d{4})\d{13}([\dXx])(?!\w)", re.ASCII)
_EMAIL = re.compile(r"(?<![\w/:])[\w.%+-]+@([\w-]+(?:\.[\w-]+)+)", re.ASCII)


def mask_text(text: str) -> str:
    """Return a text with phones (`138****5678`), identity numbers and mail addresses masked."""
    text = _IDENTITY.sub(r"\1**********\2", text)
    text = _MOBILE.sub(r"\1****\2", text)
    text = _LANDLINE.sub(r"\1****\2", text)
    return _EMAIL.sub(r"***@\1", text)


def mask_name(name: str) -> str:
    """Return a person's name with all but its first character masked."""
    return name[:1] + "*" * len(name[1:])
