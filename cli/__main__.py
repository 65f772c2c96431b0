"""`python -m cli` is `tuixuan`."""

from cli.main import main

main()
