"""Several programs in one process, one after the other: importing the detectors costs seconds.

    python -m workflow.chain '[["workflow.train", "--suite", "demo"], ["workflow.predict", ...]]'

Ends with the first exit code that is not 0.
"""

from __future__ import annotations

import gc
import importlib
import json
import signal
import sys


def main(arguments: list[str] | None = None) -> int:
    (text,) = sys.argv[1:] if arguments is None else arguments
    for module, *own in json.loads(text):
        # A training answers these signals by saving; whatever follows it has nothing to save.
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        code = importlib.import_module(module).main(own)
        if code:
            return int(code)
        gc.collect()
    return 0


if __name__ == "__main__":
    sys.exit(main())
