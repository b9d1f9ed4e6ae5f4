"""How the C library keeps memory: what a large request took is given back when it is answered.

glibc learns from large blocks that were freed to keep such blocks, and each thread keeps its own:
a worker that was sent a few messages of 8 MB never becomes small again.
"""

import ctypes

# Of glibc's malloc.h.
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8

LARGE = 256 * 1024  # bytes; blocks from this size on are asked of the system, each by itself
POOLS = 2  # that threads share: of a worker's threads one works at a time


def keep_little() -> None:
    """Set this for the process; nothing where the C library is another one."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_ARENA_MAX, POOLS)
