"""QMP, the protocol: bytes to messages and back, and a small client. It knows no schema.

In: an address or a connected socket. Out: raw results of commands. `probe` asks through it.
"""
