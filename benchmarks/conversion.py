"""The embedded base's conversion from GGUF, with gguf's own reader and with ours.

    python benchmarks/conversion.py

Prints seconds and peak memory of each, and whether both wrote the same bytes.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from semillero.digests import digest_file
from semillero.models.embedded import assemble_embedded_gguf

# In a process of its own each, for its peak memory.
WORK = """
import sys, semillero.models.conversion as conversion
from pathlib import Path
if sys.argv[4] == "own reader of gguf":
    conversion.read_gguf_once = lambda: None
conversion.convert_gguf(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
"""


def main() -> None:
    gguf = assemble_embedded_gguf()
    digests = []
    for reader in ("read once, as an array", "own reader of gguf"):
        with tempfile.TemporaryDirectory() as target:
            start = time.perf_counter()
            command = [sys.executable, "-c", WORK, str(gguf.parent), gguf.name, target, reader]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            # The largest child so far; the second one needs more.
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"| {reader} | {time.perf_counter() - start:.0f} s | {peak:,.0f} MiB |", flush=True)
            digests.append({path.name: digest_file(path) for path in sorted(Path(target).iterdir())})
    print("same bytes" if digests[0] == digests[1] else "NOT the same bytes")


if __name__ == "__main__":
    main()
