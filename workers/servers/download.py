"""The Temporal SDK's own download of the server: the last resort, if Go cannot build one."""

import asyncio
import tempfile
from pathlib import Path

from workers.servers.found import Unusable, show
from workers.servers.go_build import cli_version


def fetch_with_sdk(target: Path) -> None:
    """Put the version that deploy/temporal pins at `target`.

    The SDK downloads a server only to start it, so this starts one in memory and stops it.

    Raises:
        Unusable: The download or the start failed.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        try:
            asyncio.run(_start_and_stop(folder))
        except RuntimeError as error:  # what the SDK raises for every failure of its server
            raise Unusable(f"the download by the Temporal SDK failed: {error}") from error
        files = [path for path in Path(folder).iterdir() if path.is_file()]
        if len(files) != 1:
            raise Unusable(f"the download by the Temporal SDK left {len(files)} files")
        files[0].replace(target)


async def _start_and_stop(folder: str) -> None:
    from temporalio.testing import WorkflowEnvironment

    server = await WorkflowEnvironment.start_local(
        download_dest_dir=folder, dev_server_download_version=f"v{show(cli_version())}"
    )
    await server.shutdown()
