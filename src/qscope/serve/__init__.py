"""An introspectable QMP server for Python programs.

In: a QAPI schema and functions. Out: a QMP interface that describes itself, over sockets.
"""
