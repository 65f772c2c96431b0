"""What mails of a call say beside the message itself: whom to call, and in which languages."""

from typing import Self

from pydantic import model_validator

from models.programme.parts import MailAddress, ProgrammePart, Text, invalid


class MailRules(ProgrammePart):
    """How messages of a call are worded. `english`: an English half follows the Chinese."""

    english: bool = False


class Contact(ProgrammePart):
    """Whom people may call or write to with questions about the call.

    Attributes:
        office: Which office, and who in it.
        phone: A telephone number, as people write it.
        mail: A mail address.
        hours: When somebody answers.
    """

    office: Text
    phone: Text | None = None
    mail: MailAddress | None = None
    hours: Text | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.phone is None and self.mail is None:
            raise invalid("contact 中应有 phone 或 mail")
        return self
