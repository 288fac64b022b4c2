"""Learning from labels and from a teacher at once."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from bilinear.layers.errors import LayerError


def distillation_loss(
    student: Tensor, labels: Tensor, teacher: Tensor, share: float = 0.5, temperature: float = 1.0
) -> Tensor:
    """`(1 - share) CE(student, labels) + share T^2 CE(student / T, softmax(teacher / T))`, the mean over the batch.

    Args:
        student: Logits, shape (batch, classes).
        labels: Class numbers, shape (batch,).
        teacher: Logits, shape (batch, classes); no gradient flows into them.
        share: Of the teacher's term, from 0 to 1.
        temperature: T, above 0: higher makes the teacher's distribution flatter.

    Raises:
        LayerError: If shapes, the share or the temperature will not do.

    Source:
        G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015 (arXiv 1503.02531);
        StrassenNets takes a share of 0.5 and a temperature of 1.
    """
    if student.ndim != 2 or student.shape != teacher.shape:
        raise LayerError(
            f"student and teacher logits of shapes {tuple(student.shape)} and {tuple(teacher.shape)}; "
            "both must be (batch, classes)"
        )
    if not 0 <= share <= 1:
        raise LayerError(f"a teacher's share of {share}; it must be from 0 to 1")
    if not temperature > 0:
        raise LayerError(f"a temperature of {temperature}; it must be above 0")
    targets = functional.softmax(teacher.detach() / temperature, dim=1)
    soft = functional.cross_entropy(student / temperature, targets)
    return (1 - share) * functional.cross_entropy(student, labels) + share * temperature**2 * soft
