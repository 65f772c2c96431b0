"""The Temporal UI in a browser: operations find a case by its state and read where it stands."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from models.cases.states import State
from models.wording import AWAITED, ROLES, STATES
from tests.e2e.stack import Stack
from tests.factories import ROOT
from tests.slack import slack
from workflows import names

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]

PICTURES = ROOT / "docs" / "images"
KEEP = "TUIXUAN_KEEP_PICTURES"
"""Set, pictures are taken anew; otherwise only those that are missing."""
SIZE = ViewportSize(width=1440, height=900)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
PATIENCE = slack(30_000)
"""Milliseconds: lists follow the workflows, and machines are busy."""
STATE = State.PROVINCE_REVIEW


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A window of the distribution's own browser with a new profile."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert program is not None, "no Chromium on PATH: run scripts/browser.sh"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=program,
            headless=True,
            args=FLAGS,
            viewport=SIZE,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield context.pages[0]
        context.close()


def keep_picture(page: Page, name: str) -> None:
    """Keep what the page shows, where there is no such picture or a new one is wanted."""
    path = PICTURES / name
    if os.environ.get(KEEP) or not path.exists():
        path.parent.mkdir(exist_ok=True)
        page.screenshot(path=path, animations="disabled")


def filter_by_state(page: Page) -> None:
    """Type a filter into the field of the list, as the page for operations says."""
    page.get_by_test_id("toggle-manual-query").click()
    page.get_by_test_id("manual-search-input").fill(f'CaseState="{STATE}"')
    page.keyboard.press("Enter")


def show_columns(page: Page, *, more: tuple[str, ...], fewer: tuple[str, ...]) -> None:
    """Let the list show what a case is, and not what a workflow is."""
    page.get_by_test_id("workflows-summary-table-configuration-button").click()
    for column in fewer:
        page.get_by_label(f"Remove {column} column").click()
    for column in more:
        page.get_by_label(f"Add {column} column").click()
    page.get_by_test_id("drawer-close-button").click()
    expect(page.get_by_test_id("drawer-close-button")).not_to_be_in_viewport()
    page.get_by_label("Collapse saved views").click()


def test_a_printed_link_opens_its_list(stack: Stack, page: Page) -> None:
    links = {each["name"]: each["url"] for each in stack.json("status", "--links")["items"]}
    cases = stack.json("case", "list")["items"]
    page.goto(links["进行中的全部案例"])
    draft = next(each for each in cases if each["state"] == State.DRAFT)
    expect(page.get_by_role("link", name=draft["id"])).to_be_visible()
    page.goto(links["待推荐单位办理"])
    waiting = next(each for each in cases if each["state"] == STATE)
    expect(page.get_by_role("link", name=waiting["id"])).to_be_visible()
    expect(page.get_by_role("link", name=draft["id"])).to_have_count(0)


def test_operations_find_a_case_by_its_state_and_read_what_is_awaited(
    stack: Stack, page: Page
) -> None:
    found = stack.json("case", "list", "--state", STATE)["items"]
    others = [case for case in stack.json("case", "list")["items"] if case["state"] != STATE]
    case = next(each for each in found if each["season"] == "2024" and each["seq"] == 1)

    page.goto(f"{stack.addresses['temporal_ui']}/namespaces/{names.NAMESPACE}/workflows")
    expect(page.get_by_role("link", name=others[0]["id"])).to_be_visible()
    filter_by_state(page)
    expect(page.get_by_role("link", name=others[0]["id"])).to_have_count(0)
    for each in found:
        expect(page.get_by_role("link", name=each["id"])).to_be_visible()
    shown = ("CaseState", "Body", "Deadline", "Category")
    show_columns(page, more=shown, fewer=("Run ID", "Type", "Start", "End"))
    rows = page.get_by_role("row").filter(has_text=case["id"])
    expect(rows).to_contain_text(STATE)
    expect(rows).to_contain_text(case["body"])
    keep_picture(page, "temporal-ui-list.png")

    page.get_by_role("link", name=case["id"]).click()
    page.get_by_role("tab", name="User Metadata").click()
    page.wait_for_url(re.compile(f"{quote(names.case_workflow_id(case['id']), safe='')}/.+"))
    # The UI shows what people write in frames of their own.
    frames = page.frame_locator('iframe[title="output"]')
    summary, written = frames.first, frames.last
    expect(summary.get_by_text(case["title"])).to_be_visible()
    for line in (
        case["title"],
        f"状态：{STATES[STATE].zh}",
        "下一期限：20",
        f"等待：{ROLES['body'].zh}{AWAITED[STATE].zh}",
        "第 1 步 提交：草稿 → 省级审核",
    ):
        expect(written.get_by_text(line)).to_be_visible()
    keep_picture(page, "temporal-ui-case.png")
