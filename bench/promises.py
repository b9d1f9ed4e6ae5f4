"""What was promised beside what was measured, in a table."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass
class Promise:
    """A measured figure and its target."""

    subject: str
    figure: float
    target: float
    unit: str = ""
    is_least: bool = False  # the target is the least that will do, not the most

    @property
    def is_met(self) -> bool:
        return self.figure >= self.target if self.is_least else self.figure <= self.target

    def __str__(self) -> str:
        sign = ">=" if self.is_least else "<="
        verdict = "met" if self.is_met else "NOT MET"
        return (
            f"{self.subject:52}{self.figure:>12,.3f} {self.unit:7} "
            f"{sign} {self.target:>9,.2f}  {verdict}"
        )


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def tell(promises: Iterable[Promise]) -> None:
    heading("Promises")
    for promise in promises:
        print(promise)
