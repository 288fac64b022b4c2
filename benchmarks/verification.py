"""How long each way of verification takes, on schemes made here.

python benchmarks/verification.py --json verification.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.decompositions import Scheme, kronecker, parse_target, standard, strassen, verify


def schemes() -> dict[str, Scheme]:
    """Strassen once to four times, and the standard algorithm of 3x3x3."""
    found = {"3x3x3:27 standard": standard(parse_target("3x3x3"))}
    power = strassen()
    for levels in range(1, 5):
        found[f"{power.target.short}:{power.rank} Strassen^{levels}"] = power
        power = kronecker(power, strassen()) if levels < 4 else power
    return found


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--most", type=int, default=400, help="symbolic and random check up to this rank")
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
    write(asked.json, results)


if __name__ == "__main__":
    main()
