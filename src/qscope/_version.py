"""Versions as constants, so that `--version` needs no package metadata and the cache no probe."""

__version__ = "0.1.0"

# Raise it whenever a probe asks other questions: snapshots in the cache are then made anew.
PROBE_VERSION = 3
