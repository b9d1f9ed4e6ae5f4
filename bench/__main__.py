"""How fast the service is, and how it stays so: `make bench`, about six minutes.

Makes directories of 82,171 and 1,000,000 people, which takes three minutes more the first time.
Ends with a table of what was promised and what was measured, and draws the pictures of the README.
"""

import argparse
from pathlib import Path
from statistics import median

from bench import costs, growth, pictures, search_queries, throughput
from bench.directories import directory
from bench.promises import heading, tell
from bench.search_queries import percentile
from bench.serving import served


def main() -> None:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    heading("Directories")
    small = directory(options.folder, options.small)
    large = directory(options.folder, options.large)
    promises = []
    drawn_in = options.folder if options.quick else pictures.FOLDER

    heading(f"Requests a second, {throughput.WORKERS} workers, {throughput.CONNECTIONS} callers")
    with served(small, throughput.WORKERS) as service:
        rates = throughput.measure(service, small, options.rounds, options.seconds)
    for kind, rounds in rates.rounds.items():
        for who in rounds:
            print(f"{kind:36}{who:34}{rates.median(kind, who):>10,.0f}")
    promises += rates.promises()
    pictures.draw_throughput(drawn_in, rates)

    heading("Milliseconds of an answer, median and p99, by the number of contacts")
    taken = growth.by_size(small, large, options.rounds, options.each)
    print(f"{'':20}{options.small:>20,}{options.large:>20,}")
    for kind in taken[0]:
        print(f"{kind:20}", *(f"{_milliseconds(seconds[kind]):>19}" for seconds in taken))
    promises += growth.promises(*taken)
    pictures.draw_growth(drawn_in, *taken)

    heading("Reads beside writes")
    alone, beside = growth.beside_writes(small, options.rounds, options.seconds)
    print(f"p99 {1000 * median(alone):.1f} ms alone, {1000 * median(beside):.1f} ms beside 5 %")
    promises.append(growth.mix_promise(alone, beside))

    heading("Costs")
    promises.append(costs.start_promise(large, options.rounds))
    with served(large, throughput.WORKERS) as service:
        promises.append(costs.memory_promise(service, options.seconds))
    promises += costs.import_promises(options.folder, options.imported)

    pictures.draw_search(drawn_in, search_queries.time_queries(small, large, options.rounds, 0))
    tell(promises)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--small", type=int, default=82_171, help="people in the small directory")
    parser.add_argument("--large", type=int, default=1_000_000, help="people in the large one")
    parser.add_argument("--imported", type=int, default=200_000, help="rows of the import")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/contacts-bench"))
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it runs")
    options = parser.parse_args()
    options.rounds, options.seconds, options.each = 5, 2.0, 200
    if options.quick:
        options.small, options.large, options.imported = 5000, 10_000, 2000
        options.rounds, options.seconds, options.each = 2, 0.3, 20
    return options


def _milliseconds(seconds: list[float]) -> str:
    return f"{1000 * median(seconds):.1f}, {1000 * percentile(seconds, 99):.1f}"


if __name__ == "__main__":
    main()
