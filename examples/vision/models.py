"""A vision transformer and a ResNet, small enough to be trained on a processor in seconds."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.models.resnet import BasicBlock

HEADS = 4
LEAST_PATCH = 2
PATCHES = 8
"""Along each side of an image, where its patches are not the least ones."""
LEAST_MAP = 4
"""Side of the feature maps in the ResNet's last stage: a row is a tile of four places."""
MOST_STAGES = 4


class ViT(nn.Module):
    """Class scores (batch, classes) from images (batch, channels, side, side).

    The tokens are square patches; their mean is classified, so that no extra token spoils multiples of a tile.

    Source:
        A. Dosovitskiy et al., "An image is worth 16x16 words", arXiv:2010.11929.
    """

    def __init__(self, channels: int, side: int, classes: int, width: int, depth: int) -> None:
        super().__init__()
        self.patch = patch_side(side)
        self.embed = nn.Linear(channels * self.patch**2, width)
        self.positions = nn.Parameter(torch.randn(1, (side // self.patch) ** 2, width) * width**-0.5)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        patches = functional.unfold(images, self.patch, stride=self.patch).mT
        x = self.blocks(self.embed(patches) + self.positions)
        scores: Tensor = self.head(self.norm(x).mean(dim=1))
        return scores


class Block(nn.Module):
    """Attention and a feed-forward network of twice the width, each added to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        y: Tensor = x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))
        return y

    def attend(self, x: Tensor) -> Tensor:
        """Self-attention of all tokens, shapes (batch, tokens, width)."""
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.proj(y.transpose(1, 2).reshape(batch, tokens, width))
        return out


class ResNet(nn.Module):
    """Class scores (batch, classes) from images (batch, channels, side, side).

    One block a stage; every stage has twice the channels and half the side of the one before.

    Source:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385.
    """

    def __init__(self, channels: int, side: int, classes: int, width: int) -> None:
        super().__init__()
        widths = [width * 2**k for k in range(stage_count(side))]
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        pairs = zip([width, *widths[:-1]], widths, strict=True)
        self.stages = nn.Sequential(
            *(BasicBlock(before, after, stride=1 if k == 0 else 2) for k, (before, after) in enumerate(pairs))
        )
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.stages(functional.relu(self.bn1(self.conv1(images))))
        scores: Tensor = self.fc(x.mean(dim=(2, 3)))
        return scores


def patch_side(side: int) -> int:
    """Rows of a patch for images of that side: 2 at 8 x 8, which gives 4 x 4 tokens, else an eighth."""
    return max(LEAST_PATCH, side // PATCHES)


def stage_count(side: int) -> int:
    """Stages of the ResNet for images of that side: until the maps are 4 x 4, at most four."""
    count = 1
    while side // 2**count >= LEAST_MAP and count < MOST_STAGES:
        count += 1
    return count
