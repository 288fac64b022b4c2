"""How long each way of verification takes, on schemes made here.

python benchmarks/verification.py --json verification.json
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.decompositions import Ring, Scheme, kronecker, parse_target, standard, strassen, verify
from bilinear.decompositions.rules import cubes


def schemes() -> dict[str, Scheme]:
    """Strassen once to four times, and the standard algorithm of 3x3x3."""
    found = {"3x3x3:27 standard": standard(parse_target("3x3x3"))}
    power = strassen()
    for levels in range(1, 5):
        found[f"{power.target.short}:{power.rank} Strassen^{levels}"] = power
        power = kronecker(power, strassen()) if levels < 4 else power
    return found


def large(sizes: list[int]) -> dict[str, Scheme]:
    """Rational cubes by aggregation."""
    built = [cubes.build(size, size, size, Ring.Q) for size in sizes]
    return {f"{scheme.target.short}:{scheme.rank} over q": scheme for scheme in built}


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--most", type=int, default=400, help="symbolic and random check up to this rank")
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[12, 19, 32], help="of rational cubes, exact check only"
    )
    asked = parser.parse_args()
    verify(strassen(), "symbolic")  # imports SymPy before anything is timed
    results = []
    for name, scheme in schemes().items():
        for method in ("exact", "symbolic", "random"):
            if method == "exact" or scheme.rank <= asked.most:
                check = verify(scheme, method)
                assert check.ok
                results.append({"scheme": name, "method": method, "seconds": round(check.seconds, 4)})
                print(f"{name:24} {method:9} {check.seconds:9.4f} s  {check.detail}")
    for name, scheme in large(asked.sizes).items():
        start = time.process_time()
        check = verify(scheme)
        assert check.ok
        cpu, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        seconds = {"seconds": round(check.seconds, 4), "cpu_seconds": round(cpu, 4), "peak_gb": round(peak, 2)}
        results.append({"scheme": name, "method": "exact"} | seconds)
        print(f"{name:24} exact     {check.seconds:9.4f} s  {cpu:.1f} CPU s, {peak:.1f} GB  {check.detail}")
    write(asked.json, results)


if __name__ == "__main__":
    main()
