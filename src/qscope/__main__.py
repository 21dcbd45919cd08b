"""`python -m qscope` is `qscope`."""

from qscope.cli.main import main

main()
