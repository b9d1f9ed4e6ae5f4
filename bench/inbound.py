"""How many messages a second the service takes in: `python -m bench.inbound`.

As many senders write as there are messages, half of them unknown, thirty at a time.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import directories
from bench.people import people
from bench.search_queries import percentile
from bench.serving import Served, served

SENDERS_AT_ONCE = 30
TARGET = 300  # messages a second


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.inbound", description=__doc__)
    parser.add_argument("--people", type=int, default=82_171)
    parser.add_argument("--messages", type=int, default=6000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/contacts-bench"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    directory = directories.directory(options.folder, options.people)
    with directories.copied(directory) as copy, served(copy, options.workers) as service:
        bodies = list(messages(options.people, options.messages))
        beginning = time.perf_counter()
        with ThreadPoolExecutor(SENDERS_AT_ONCE) as pool:
            parts = [bodies[first::SENDERS_AT_ONCE] for first in range(SENDERS_AT_ONCE)]
            taken = [
                each for part in pool.map(lambda one: send(service, one), parts) for each in part
            ]
        rate = len(bodies) / (time.perf_counter() - beginning)
    print(
        f"{rate:,.0f} messages a second with {options.workers} workers and {SENDERS_AT_ONCE} "
        f"senders at once: median {1000 * statistics.median(taken):.0f} ms, "
        f"p99 {1000 * percentile(taken, 99):.0f} ms; {TARGET} are promised: "
        f"{'met' if rate >= TARGET else 'NOT MET'}"
    )


def messages(known: int, count: int) -> Iterator[dict[str, Any]]:
    """Messages of different senders, every other one in the directory of `known` people."""
    addresses = (person["email"] for person in people(known) if person["email"])
    for number in range(count):
        email = next(addresses) if number % 2 else f"sender-{number}@example.com"
        yield {
            "channel": "email",
            "from": {"email": email},
            "subject": f"Order {number}",
            "content": "Where is my order? It was to be here yesterday.",
            "message_id": f"<{number}@mail.example.com>",
        }


def send(service: Served, bodies: list[dict[str, Any]]) -> list[float]:
    """The seconds that each answer took."""
    with service.caller() as caller:
        return [caller.post("/inbound/messages", body) for body in bodies]


if __name__ == "__main__":
    main()
