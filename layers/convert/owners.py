"""What speaks against replacing a dense layer, beyond its sizes: who else uses it, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from bilinear.layers.checks import FLOATS, dtype_name

HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
ADAPTERS = ("peft.", "BaseTunerLayer")
"""Where the base class of the adapters of peft is, and its name."""


def unfit(module: nn.Module) -> str:
    """Why a dense layer is no ordinary one any more; empty if it is."""
    if any(vars(module).get(name) for name in HOOKS):
        return "has hooks, which would be lost"
    if "forward" in vars(module):
        return "its forward was replaced, which would be lost"
    weight = module._parameters.get("weight")
    if weight is None:
        return "its weight is no parameter of its own"
    if type(weight.data) is not Tensor:
        return f"its weight is a {type(weight.data).__name__}; convert the model before it is quantised"
    return "" if weight.dtype in FLOATS else f"its weight is of {dtype_name(weight.dtype)}"


def claimed(model: nn.Module) -> Mapping[str, str]:
    """The modules, by name, that another one reaches into, with the reason why they are left."""
    return dict(_claims(model))


def _claims(model: nn.Module) -> Iterator[tuple[str, str]]:
    for name, module in model.named_modules():
        start = f"{name}." if name else ""
        if _is_adapter(module):
            inner = (part for part, _ in module.named_modules() if part)
            yield from ((start + part, "belongs to an adapter of peft, which merges into it") for part in inner)


def _is_adapter(module: nn.Module) -> bool:
    where, name = ADAPTERS
    return any(kind.__name__ == name and kind.__module__.startswith(where) for kind in type(module).__mro__)
