"""The samples are invented, say so, and can go as far as they claim."""

import re
from pathlib import Path
from typing import get_args

import pytest

from models.cases.form_check import check_form
from models.cases.samples import Sample, Stage, load_samples
from models.programme.definition import Programme
from models.refusals import Refused

PROGRAMMES = Path(__file__).resolve().parents[3] / "programmes"
PROGRAMME = Programme.from_toml(PROGRAMMES.joinpath("2024-new-services.toml").read_text("utf-8"))
SAMPLES = load_samples(PROGRAMMES.joinpath("samples/samples.toml").read_text("utf-8"))
FILED = [sample for sample in SAMPLES if sample.stage != "draft"]


def test_they_stand_in_every_stage_in_every_category_in_many_bodies() -> None:
    bodies = [PROGRAMME.body_for(sample.form.location).id for sample in SAMPLES]
    categories = {PROGRAMME.category(sample.form.category).key for sample in SAMPLES}

    assert {sample.stage for sample in SAMPLES} == set(get_args(Stage))
    assert categories == {category.key for category in PROGRAMME.categories}
    assert bodies.count("fujian") >= 3
    assert len(set(bodies)) >= 6


@pytest.mark.parametrize("sample", FILED, ids=lambda sample: sample.stage)
def test_whatever_is_filed_is_complete(sample: Sample) -> None:
    assert check_form(sample.form, PROGRAMME) == []


def test_drafts_still_lack_something() -> None:
    drafts = [sample for sample in SAMPLES if sample.stage == "draft"]

    assert all(check_form(sample.form, PROGRAMME) for sample in drafts)


def test_everything_in_them_is_labelled_as_invented() -> None:
    for sample in SAMPLES:
        assert sample.form.title.startswith("【示例】")
        assert sample.form.unit.endswith("（虚构）")
        assert sample.form.contact_name.endswith("示例")
        assert sample.form.contact_position.endswith("（虚构）")
        assert re.fullmatch(r"138000000\d\d", sample.form.contact_mobile)
        assert sample.email.endswith("@example.invalid")
    assert len({sample.form.title for sample in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "samples 缺少这一项"),
        ("samples = []", "至少要有 1 项"),
        ('[[samples]]\nstage = "published"\nemail = "a@example.invalid"\n', "'draft'"),
        ('[[samples]]\nstage = "draft"\nemail = "a@example.com"\nform = {}', "email 写法不对"),
        (
            '[[samples]]\nstage = "draft"\nemail = "a@example.invalid"\nform = {x=1}',
            "form.x 不认识",
        ),
    ],
)
def test_a_wrong_file_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        load_samples(text)

    assert refused.value.code == "samples_invalid"
