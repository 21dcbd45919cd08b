"""The program `qscope`, also as `python -m qscope`."""

import signal

# Python loses a Ctrl-C that comes while it releases the lock of an import. Until everything is
# imported, nothing is at stake: end at once. cli/main.py takes over.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from qscope.cli.main import main

if __name__ == "__main__":
    main()
