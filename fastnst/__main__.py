"""`python -m fastnst`."""

from fastnst.cli import main

main()
