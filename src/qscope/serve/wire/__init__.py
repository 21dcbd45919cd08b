"""QMP as bytes, the server's side, without I/O: JSON exactly as QEMU reads and prints it.

It knows no schema. Bytes go in, values, faults and requests come out, and values become bytes.
"""
