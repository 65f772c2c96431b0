"""Let the Temporal SDK download a server into a folder: run by path, in a process of its own.

    python -P sdk_download.py FOLDER VERSION

The SDK downloads a server only to start it, so this starts one in memory and stops it. The SDK
has crashed at the exit of such a process; whoever runs this looks at the folder, not at the end.
"""

import asyncio
import os
import sys


async def download(folder: str, version: str) -> None:
    """Start a server that is downloaded for it, and stop it."""
    from temporalio.testing import WorkflowEnvironment

    server = await WorkflowEnvironment.start_local(
        download_dest_dir=folder, dev_server_download_version=f"v{version}"
    )
    await server.shutdown()


def main(folder: str, version: str) -> int:
    """Download, and say in one line why it could not be done."""
    try:
        asyncio.run(download(folder, version))
    except RuntimeError as error:  # what the SDK raises for every failure of its server
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        sys.stderr.flush()
        return 1
    return 0


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))  # without the clean-up in which the SDK has crashed
