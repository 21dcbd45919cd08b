"""A session passed on to another server, and judged by an interface while it passes.

In: where the server listens, an `Interface`, clients. Out: their bytes at the server and its bytes
at them, unchanged; a `Judged` for each message of a client. The way of the bytes is ends.py,
relay.py, proxy.py; whoever looks at them (observer.py, judge.py, tally.py) does so behind it, in a
thread of its own.
"""

from qscope.serve.proxy.judge import Judge, Judged
from qscope.serve.proxy.observer import Observer
from qscope.serve.proxy.proxy import Proxy
from qscope.serve.proxy.tally import Tally

__all__ = ["Judge", "Judged", "Observer", "Proxy", "Tally"]
