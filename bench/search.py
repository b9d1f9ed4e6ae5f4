"""Measures how fast search is, what it finds, and what it costs: `python -m bench.search`.

Makes a small and a large directory of made-up people, or takes those of an earlier run, and ends
with a table of the bounds and the figures measured.
"""

import argparse
import statistics
import time
from pathlib import Path

from bench import directories, known_items, search_queries
from bench.known_items import mean_reciprocal_rank, recall
from bench.promises import Promise, heading, tell
from bench.search_queries import percentile
from contacts_service.search.query import LIMIT


def main() -> None:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    heading("Directories")
    small = directories.directory(options.folder, options.small)
    large = directories.directory(options.folder, options.large)
    promises = [
        *speed(small, large, options.rounds, options.http_rounds),
        *known_people(large, options.known),
        *size(large),
        *writing(large, options.writes),
        *importing(options.folder, options.imported),
    ]
    tell(promises)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--small", type=int, default=82_171, help="people in the small directory")
    parser.add_argument("--large", type=int, default=1_000_000, help="people in the large one")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/contacts-bench"))
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it runs")
    options = parser.parse_args()
    options.rounds, options.http_rounds, options.known = 100, 15, 2000
    options.writes, options.imported = 300, 50_000
    if options.quick:
        options.small, options.large = 1000, 5000
        options.rounds, options.http_rounds, options.known = 5, 2, 100
        options.writes, options.imported = 30, 2000
    return options


def speed(small: Path, large: Path, rounds: int, http_rounds: int) -> list[Promise]:
    """Time every query."""
    heading(f"Queries, in milliseconds: medians of {rounds} rounds, {http_rounds} over HTTP")
    timings = search_queries.time_queries(small, large, rounds, http_rounds)
    print(f"{'query':32}{'answers':>8}{'median':>9}{'p99':>9}{'HTTP':>9}{'small':>9}{'growth':>8}")
    for timing in timings:
        print(
            f"{timing.query:32}{timing.answers:>8}{1000 * timing.median:>9.2f}"
            f"{1000 * timing.p99:>9.2f}{1000 * statistics.median(timing.http):>9.2f}"
            f"{1000 * statistics.median(timing.small):>9.2f}{timing.growth:>8.1f}"
        )
    few = sum(timing.answers < LIMIT for timing in timings)
    print(f"{len(timings)} queries, of which {few} with fewer than {LIMIT} answers")
    medians = [1000 * timing.median for timing in timings]
    small_medians = [1000 * statistics.median(timing.small) for timing in timings]
    over_http = [1000 * statistics.median(timing.http) for timing in timings]
    print(f"over HTTP: median {statistics.median(over_http):.2f}, worst {max(over_http):.2f}")
    median = statistics.median(medians)
    growth = median / statistics.median(small_medians)
    return [
        Promise("search: median of the queries' medians", median, 1, "ms"),
        Promise("search: 95 of 100 queries", percentile(medians, 95), 10, "ms"),
        Promise("search: the worst query", max(medians), 60, "ms"),
        Promise("search: growth of the median", growth, 4, "times"),
    ]


def known_people(large: Path, count: int) -> list[Promise]:
    """Look up people who are there."""
    heading(f"Known people: {count:,} at random, as far as at most {LIMIT} match what is typed")
    beginning = time.perf_counter()
    results = known_items.look_up(large, count)
    print(f"{'':28}{'':>16}{'search':>16}{'':>8}{'LIKE':>14}")
    print(f"{'way':28}{'typed':>8}{'of them':>8}{'recall':>8}{'MRR':>8}{'unique':>8}", end="")
    print(f"{'recall':>8}{'MRR':>8}")
    for result in results:
        unique = result.unique_places
        print(
            f"{result.way:28}{result.asked:>8}{len(result.places):>8}"
            f"{recall(result.places):>8.3f}{mean_reciprocal_rank(result.places):>8.3f}"
            f"{f'{mean_reciprocal_rank(unique):.3f}' if unique else '':>8}"
            f"{recall(result.plain_places):>8.3f}"
            f"{mean_reciprocal_rank(result.plain_places):>8.3f}"
        )
    print("unique: the MRR where one person alone has the name")
    print(f"took {time.perf_counter() - beginning:.0f} seconds")
    by_way = {result.way: result for result in results}
    worst = min((one for one in results if one.places), key=lambda one: recall(one.places))
    names = by_way["full name"].unique_places
    ranked = {
        "unique full name": names,
        "full email": by_way["full email"].places,
        "full phone": by_way["full phone"].places,
    }
    return [
        Promise(f"known: recall, worst: {worst.way}", recall(worst.places), 0.99, is_least=True),
        *(
            Promise(f"known: MRR, {way}", mean_reciprocal_rank(places), 0.95, is_least=True)
            for way, places in ranked.items()
        ),
    ]


def size(large: Path) -> list[Promise]:
    """Weigh the index."""
    heading("Bytes")
    parts, bare = directories.search_bytes(large)
    for name, size_in_bytes in parts.items():
        print(f"{name:40}{size_in_bytes:>14,}{size_in_bytes / bare:>8.2f}")
    print(f"{'the nine documented columns':40}{bare:>14,}{1:>8.2f}")
    ratio = sum(parts.values()) / bare
    return [Promise("size: search against the nine columns", ratio, 2.5, "times")]


def writing(large: Path, rounds: int) -> list[Promise]:
    """Time commits."""
    heading(f"Writing: medians of {rounds} commits each, in milliseconds")
    quick, bare = directories.write_cost(large, rounds)
    print(f"quick create {1000 * quick:.2f}, bare INSERT {1000 * bare:.2f}")
    return [Promise("writing: quick create against bare INSERT", quick / bare, 3, "times")]


def importing(folder: Path, count: int) -> list[Promise]:
    """Time an import."""
    heading(f"Importing {count:,} people from CSV into an empty directory")
    rows, counts = directories.import_speed(folder, count)
    outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.items())
    print(f"{rows:,.0f} rows a second: {outcomes}")
    return [Promise("import", rows, 4000, "rows/s", is_least=True)]


if __name__ == "__main__":
    main()
