"""`python -m workers.servers`: find or make both servers, and report them."""

import sys

from workers.servers.found import ServerMissing
from workers.servers.nats import find_nats
from workers.servers.temporal import find_temporal

UNAVAILABLE = 69


def main() -> int:
    """Prepare the servers, so that starting them later takes no time."""
    code = 0
    for find in (find_temporal, find_nats):
        try:
            print(find())
        except ServerMissing as error:
            print(error, file=sys.stderr)
            code = UNAVAILABLE
    return code


if __name__ == "__main__":
    sys.exit(main())
