"""A form without its personal data."""

from models.cases.form import CaseForm, Section
from models.masking import mask_name, mask_text


def mask_form(form: CaseForm) -> CaseForm:
    """Return a form as it may be shown to whoever does not need to reach the contact.

    A number that stands alone in its field is masked even where it looks like none.
    """
    masked = {
        name: mask_text(value)
        for name in CaseForm.model_fields
        if isinstance(value := getattr(form, name), str)
    }
    for name in ("contact_phone", "contact_mobile"):
        if masked[name] == getattr(form, name) and masked[name]:
            masked[name] = masked[name][:3] + "****"
    sections = tuple(
        Section(heading=mask_text(each.heading), text=mask_text(each.text))
        for each in form.sections
    )
    name = mask_name(form.contact_name)
    return form.model_copy(update={**masked, "contact_name": name, "sections": sections})
