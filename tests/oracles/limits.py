"""Time and memory that reading a file may take."""

import time
import tracemalloc

SECONDS = 3.0


MEMORY = 200 << 20


class Limits:
    """Fails if what happens inside takes too long or too much memory."""

    def __enter__(self):
        tracemalloc.start()
        self.start = time.process_time()

    def __exit__(self, *_):
        seconds, peak = time.process_time() - self.start, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seconds < SECONDS and peak < MEMORY, (seconds, peak)
