"""The syntaxes of QEMU's command line: text in, data out, and back; they know no interface.

`argument` reads what an option was given; `words` finds the options of a command line.
"""
