"""The pictures of the README, drawn from the figures of a run."""

from pathlib import Path
from statistics import median

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from bench.search_queries import Timing, percentile
from bench.throughput import DATASETTE, FLOOR, OURS, PATHS, Rates

FOLDER = Path(__file__).parent / "pictures"
OURS_COLOUR, COLOURS = "#1f77b4", ["#1f77b4", "#aaaaaa", "#e07b39"]
WHO = [OURS, FLOOR, DATASETTE]


def draw_throughput(folder: Path, rates: Rates) -> None:
    """Requests a second, for each kind and who answered."""
    figure, axes = plt.subplots(figsize=(8, 3.6))
    width = 0.8 / len(WHO)
    for at, who in enumerate(WHO):
        places = [number + at * width for number in range(len(PATHS))]
        heights = [rates.median(kind, who) for kind in PATHS]
        bars = axes.bar(places, heights, width, label=who, color=COLOURS[at])
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=7)
    axes.set_xticks([number + width for number in range(len(PATHS))], list(PATHS))
    axes.set_ylabel("requests a second")
    axes.margins(y=0.2)
    axes.legend(fontsize=8, loc="upper right", ncols=3)
    _save(folder, figure, "throughput")


def draw_growth(folder: Path, small: dict[str, list[float]], large: dict[str, list[float]]) -> None:
    """Median and p99 of each kind of request in both directories."""
    figure, axes = plt.subplots(figsize=(8, 3.6))
    for at, (seconds, label) in enumerate([(small, "82,171"), (large, "1,000,000")]):
        places = [number + 0.4 * at for number in range(len(seconds))]
        middle = [1000 * median(times) for times in seconds.values()]
        above = [
            1000 * percentile(t, 99) - m for t, m in zip(seconds.values(), middle, strict=True)
        ]
        zeros = [0.0] * len(middle)
        colour = COLOURS[1] if at == 0 else OURS_COLOUR
        axes.bar(
            places, middle, 0.4, yerr=[zeros, above], capsize=3, label=f"{label} contacts",
            color=colour,
        )  # fmt: skip
    axes.set_xticks([number + 0.2 for number in range(len(small))], list(small), fontsize=8)
    axes.set_yscale("log")
    axes.set_ylabel("milliseconds: median, and to p99")
    axes.legend(fontsize=8)
    _save(folder, figure, "growth")


def draw_search(folder: Path, timings: list[Timing]) -> None:
    """Every query by its median, quickest first, in both directories."""
    figure, axes = plt.subplots(figsize=(8, 3.6))
    for label, colour, medians in (
        ("82,171 contacts", COLOURS[1], sorted(1000 * median(t.small) for t in timings)),
        ("1,000,000 contacts", OURS_COLOUR, sorted(1000 * t.median for t in timings)),
    ):
        axes.plot(medians, label=label, color=colour)
    axes.set_yscale("log")
    axes.set_xlabel("queries, quickest first")
    axes.set_ylabel("milliseconds, in process")
    axes.legend(fontsize=8)
    _save(folder, figure, "search")


def _save(folder: Path, figure: plt.Figure, name: str) -> None:
    folder.mkdir(exist_ok=True)
    figure.tight_layout()
    figure.savefig(folder / f"{name}.png", dpi=110)
    plt.close(figure)
