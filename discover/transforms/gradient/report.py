"""What the gradient solver found, as programs and people read it."""

from __future__ import annotations

from typing import Any

from bilinear.discover.transforms.gradient.solver import GOAL, Trained


def trained_as_dict(found: Trained) -> dict[str, Any]:
    """For JSON; the keys are documented in docs/transforms.md."""
    return {
        "target": found.transform.name,
        "size": found.transform.size,
        "recovered": found.recovered,
        "structure": found.structure.name,
        "transposed": found.structure.transposed,
        "blocks": found.structure.blocks,
        "rmse": found.rmse,
        "relative_error": found.error,
        "successes": found.successes,
        "finished": found.finished,
        "trials": found.trials,
        "real_parameters": found.structure.parameters,
        "success_rate": found.successes / max(found.finished, 1),
        "interrupted": found.interrupted,
        "seconds": round(found.seconds, 3),
    }


def trained_as_lines(found: Trained) -> list[str]:
    """For people."""
    structure = f"{found.structure}, {found.structure.blocks} blocks"
    verdict = "recovered" if found.recovered else "not recovered"
    return [
        f"{found.transform.name}, size {found.transform.size}: {verdict} by gradients: {structure}",
        f"RMSE {found.rmse:.1e} at norm sqrt(N), at most {GOAL:.0e} is needed; relative error {found.error:.1e}",
        f"success rate {found.successes / max(found.finished, 1):.0%}: {found.successes} of {found.finished} finished "
        f"trials of this structure succeeded, {found.trials} were started, "
        f"{found.seconds:.1f} s, {found.structure.parameters} real parameters",
    ]
