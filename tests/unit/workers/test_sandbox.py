"""What the quick sandbox relies on, and that it still is one."""

import pytest
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from workers.cases.worker import sandbox
from workers.temporal_client import connect
from workflows.case import CaseWorkflow


@pytest.fixture
async def client() -> Client:
    return await connect("127.0.0.1:1", lazy=True)


async def test_our_converter_does_the_same_in_every_context(client: Client) -> None:
    converter = client.data_converter
    context = WorkflowSerializationContext(namespace="any", workflow_id="any")
    assert converter.with_context(context) is converter
    assert converter.payload_codec is None
    assert converter.external_storage is None


def test_workflows_run_in_the_sandbox_of_the_sdk() -> None:
    runner = sandbox()
    assert isinstance(runner, SandboxedWorkflowRunner)
    assert not runner.restrictions.passthrough_all_modules
    assert "workflows" not in runner.restrictions.passthrough_modules
    Replayer(workflows=[CaseWorkflow], workflow_runner=runner)  # checks that it can be loaded
