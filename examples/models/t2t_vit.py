"""T2T-ViT-7: a vision transformer whose tokens are made by two small Performers on overlapping patches.

The structure and the state names are those of the authors' code.

Source:
    L. Yuan et al., "Tokens-to-Token ViT: Training Vision Transformers from Scratch on ImageNet", arXiv:2101.11986.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, DEPTH, HEADS, HIDDEN = 256, 7, 4, 512
TOKEN_WIDTH = 64
FEATURES = 32
"""Random features of a Performer: half of its width."""
SMALL = 1e-8


class T2TViT7(nn.Module):
    """Class scores (batch, classes) from images (batch, 3, side, side), the side a multiple of 16."""

    def __init__(self, classes: int = 1000, side: int = 224) -> None:
        super().__init__()
        self.tokens_to_token = TokensToToken()
        places = (side // 16) ** 2 + 1
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(sinusoids(places, WIDTH), requires_grad=False)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.tokens_to_token(images)
        x = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        scores: Tensor = self.head(self.norm(x)[:, 0])
        return scores


class TokensToToken(nn.Module):
    """Tokens (batch, side^2 / 256, width) from images: patches that overlap are joined three times."""

    def __init__(self) -> None:
        super().__init__()
        self.soft_split0 = nn.Unfold(7, stride=4, padding=2)
        self.soft_split1 = nn.Unfold(3, stride=2, padding=1)
        self.soft_split2 = nn.Unfold(3, stride=2, padding=1)
        self.attention1 = TokenPerformer(3 * 7 * 7)
        self.attention2 = TokenPerformer(TOKEN_WIDTH * 9)
        self.project = nn.Linear(TOKEN_WIDTH * 9, WIDTH)

    def forward(self, images: Tensor) -> Tensor:
        x = self.attention1(self.soft_split0(images).mT)
        x = self.attention2(self.soft_split1(as_image(x)).mT)
        tokens: Tensor = self.project(self.soft_split2(as_image(x)).mT)
        return tokens


class TokenPerformer(nn.Module):
    """Attention of linear cost by random features of the exponential, and a feed-forward network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kqv = nn.Linear(width, 3 * TOKEN_WIDTH)
        self.proj = nn.Linear(TOKEN_WIDTH, TOKEN_WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(TOKEN_WIDTH)
        self.mlp = nn.Sequential(nn.Linear(TOKEN_WIDTH, TOKEN_WIDTH), nn.GELU(), nn.Linear(TOKEN_WIDTH, TOKEN_WIDTH))
        self.w = nn.Parameter(torch.empty(FEATURES, TOKEN_WIDTH), requires_grad=False)
        nn.init.orthogonal_(self.w, math.sqrt(FEATURES))

    def forward(self, x: Tensor) -> Tensor:
        k, q, v = self.kqv(self.norm1(x)).chunk(3, dim=-1)
        keys, queries = self.features(k), self.features(q)
        total = queries @ keys.sum(dim=1)[:, :, None]
        mixed = queries @ (keys.mT @ v)
        y = v + self.proj(mixed / (total + SMALL))
        tokens: Tensor = y + self.mlp(self.norm2(y))
        return tokens

    def features(self, x: Tensor) -> Tensor:
        """exp(w x - |x|^2 / 2) / sqrt(features), shape (batch, tokens, features)."""
        half = x.square().sum(dim=-1, keepdim=True) / 2
        return torch.exp(x @ self.w.mT - half) / math.sqrt(FEATURES)


class Block(nn.Module):
    """Attention and a feed-forward network, each added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(WIDTH), Attention()
        self.norm2, self.mlp = nn.LayerNorm(WIDTH), FeedForward()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class Attention(nn.Module):
    """Self-attention of all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.proj(y.transpose(1, 2).reshape(batch, tokens, WIDTH))
        return out


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return y


def as_image(tokens: Tensor) -> Tensor:
    """Tokens (batch, side^2, channels) as a square image (batch, channels, side, side)."""
    batch, count, channels = tokens.shape
    side = math.isqrt(count)
    return tokens.mT.reshape(batch, channels, side, side)


def sinusoids(places: int, width: int) -> Tensor:
    """Positions as sines and cosines in turn, shape (1, places, width)."""
    rates = 10_000 ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(places, dtype=torch.float64)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).reshape(1, places, width).float()
