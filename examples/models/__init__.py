"""Models to convert: a ResNet-18, a T2T-ViT-7 and a small decoder-only language model, in plain PyTorch."""

from examples.models.language import Decoder, DecoderConfig
from examples.models.resnet import ResNet18
from examples.models.t2t_vit import T2TViT7

__all__ = ["Decoder", "DecoderConfig", "ResNet18", "T2TViT7"]
