"""The command line of a QEMU, as far as a mock follows it: its monitors, its run state, its name.

In: words. Out: `Asked`, what the line asks for; then sockets, which are open before anything runs.
words.py splits, chardevs.py and places.py read where a monitor's client is, asked.py reads the
whole line; opening.py opens sockets, daemon.py leaves the terminal, running.py serves until the
end, fate.py ends as a QEMU ended. helping.py is what `help` prints.
"""
