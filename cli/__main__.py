"""`python -m cli` runs `tuixuan`."""

from cli.main import main

main()
