"""`python -m fastnst`."""

from fastnst.cli.app import main

main()
