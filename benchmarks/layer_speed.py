"""Times the dense layer's speed, as `convert_` measures it, by size, rank and number of tokens.

python benchmarks/layer_speed.py --threads 1 --json layer_speed.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.layers.stl.speed import Shape, fewest_measured, speed
from bilinear.layers.stl.threshold import NEVER


def main() -> None:
    """Print a row for each layer; write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--features", type=int, nargs="+", default=[2048, 4096], help="in and out")
    parser.add_argument("--ranks", type=int, nargs="+", default=[24, 32, 40])
    parser.add_argument("--tokens", type=int, nargs="+", default=[1, 16, 64, 256, 1024])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file to write")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print("layer        rank  " + "".join(f"{tokens:>8}" for tokens in given.tokens) + "    from")
    rows = []
    for features in given.features:
        for rank in given.ranks:
            shape = Shape(features, features, (4, 4, 4), rank, True, "layer", torch.float32, "cpu")
            ratios = [round(speed(shape, tokens), 3) for tokens in given.tokens]
            fewest = fewest_measured(shape)
            rows.append({"features": features, "rank": rank, "ratios": ratios, "from": fewest})
            cells = "".join(f"{ratio:8.2f}" for ratio in ratios)
            print(f"{features}x{features}  {rank:6}  {cells}  {'never' if fewest == NEVER else fewest:>6}", flush=True)
    write(given.json, {"threads": given.threads, "tokens": given.tokens, "rows": rows})


if __name__ == "__main__":
    main()
