"""Headers with encoded words (RFC 2047) that every server reads: each stands apart from the next.

The standard library's folding of text in several scripts puts two encoded words side by side
without a space (`?==?`), which RFC 2047, section 5, does not allow, and some servers refuse.
"""

from email.charset import BASE64, Charset
from email.header import Header
from email.headerregistry import AddressHeader
from email.policy import SMTP, EmailPolicy
from typing import Any

_LONGEST = 76
"""Characters of a line with an encoded word (RFC 2047, section 2)."""

_UTF_8 = Charset("utf-8")
_UTF_8.header_encoding = BASE64  # not the shorter of two: it has to be the same in each process


class _WordsApart(EmailPolicy):
    """The policy of SMTP, with texts and display names encoded whole where they are not ASCII."""

    def fold(self, name: str, value: Any) -> str:  # noqa: ANN401 - as in the base class
        """Return a header with its lines."""
        if str(value).isascii():
            return str(super().fold(name, value))
        if isinstance(value, AddressHeader):
            shown = ", ".join(_mailbox(each, name) for each in value.addresses)
        else:
            shown = _encoded(str(value), name)
        return f"{name}: {shown}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 - as in the base class
        """Return the same as bytes, which are ASCII."""
        if str(value).isascii():
            return bytes(super().fold_binary(name, value))
        return self.fold(name, value).encode("ascii")


def _mailbox(address: Any, name: str) -> str:  # noqa: ANN401 - the standard library names no type
    if address.display_name.isascii():
        return str(address)
    return f"{_encoded(address.display_name, name)}\r\n <{address.addr_spec}>"


def _encoded(text: str, name: str) -> str:
    return Header(text, _UTF_8, _LONGEST, name).encode(linesep="\r\n")


WORDS_APART = _WordsApart(**{each: getattr(SMTP, each) for each in ("linesep", "cte_type")})
