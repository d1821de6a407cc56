"""Ways in which a disk or a crash spoils a file."""

from pathlib import Path


def truncate(path: Path) -> None:
    """Lose the last bytes."""
    path.write_bytes(path.read_bytes()[:-5])


def flip(path: Path) -> None:
    """Flip a bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
