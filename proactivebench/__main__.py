"""`python -m proactivebench`."""

from proactivebench.cli import main

main()
