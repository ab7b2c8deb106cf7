"""The cells of the benchmark: which body, at which concurrency, behind which delay."""

from dataclasses import dataclass

from benchmarks.bodies import BODIES

CONCURRENCIES = (1, 16, 64)
ADDED = "added"
LIFE_CELLS = ("start", "flight", "picture")


@dataclass(frozen=True)
class LoadCell:
    """A closed loop of `connections` callers that ask for `model`."""

    name: str
    model: str
    connections: int


LOAD_CELLS = {
    **{f"{body}-c{c}": LoadCell(f"{body}-c{c}", body, c) for body in BODIES for c in CONCURRENCIES},
    ADDED: LoadCell(ADDED, "small-d50", 16),
}
ALL_CELLS = (*LOAD_CELLS, *LIFE_CELLS)
QUICK_CELLS = ("small-c16", "b1-c16", "b4-c16", ADDED, *LIFE_CELLS)


def chosen(text: str) -> tuple[str, ...]:
    """The cells that a comma-separated list of names or their beginnings names (`b1` = b1-c1, b1-c16, b1-c64).

    Raises ValueError naming the word that matches none.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if not any(_names(word, cell) for cell in ALL_CELLS):
            raise ValueError(f"no cell is called {word!r}; there are: {', '.join(ALL_CELLS)}")
    return tuple(cell for cell in ALL_CELLS if any(_names(word, cell) for word in words))


def _names(word: str, cell: str) -> bool:
    return cell == word or cell.startswith(f"{word}-")
