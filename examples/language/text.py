"""Text to train on: Penn Treebank's files, any text file, or the Python language reference that comes with Python.

Source:
    Y. Kim, Y. Jernite, D. Sontag and A. M. Rush, "Character-aware neural language models", AAAI 2016 (words as
    characters); T. Mikolov et al., "Recurrent neural network based language model", 2010 (the preprocessed treebank).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor

from bilinear.decompositions import memory
from bilinear.decompositions.errors import BilinearError

UNKNOWN: Final = "<unk>"
END_OF_LINE: Final = "<eos>"
PADDING, START, END = range(3)
"""Numbers of the signs that are no characters: behind a word, before its characters, and after them."""
SIGNS: Final = 3

LARGEST_TEXT: Final = 1 << 28
"""Bytes of a text file."""
BYTES_A_CHARACTER: Final = 16
"""Memory taken for each byte of a text: the text itself, its words, and the references to them."""

HELD_OUT: Final = 0.1
"""Share of a text that is not the treebank for validation, and the same again for the test."""

TREEBANK: Final = ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt")
REFERENCE: Final = "Python's language reference"

_TOKEN = re.compile(r"\w+|[^\w\s]")


class TextError(BilinearError):
    """A text cannot be read, or is not long enough."""


class Splits(NamedTuple):
    """The same kind of data for training, validation and test."""

    train: Sequence[str]
    valid: Sequence[str]
    test: Sequence[str]


@dataclass(frozen=True)
class Corpus:
    """Words as numbers, and each word as characters.

    Attributes:
        source: Where the text is from.
        vocabulary: The words by number; those of a split that are not among them count as `<unk>`.
        train: Shape (words,).
        valid: Likewise.
        test: Likewise.
        spelling: The characters of every word of the vocabulary, shape (vocabulary, longest), between `START`
            and `END`, then `PADDING`.
        alphabet: Number of different characters, the three signs included.
    """

    source: str
    vocabulary: tuple[str, ...]
    train: Tensor
    valid: Tensor
    test: Tensor
    spelling: Tensor
    alphabet: int

    def __str__(self) -> str:
        sizes = f"{len(self.train)}, {len(self.valid)} and {len(self.test)} words to train, validate and test"
        return f"{self.source}: {sizes}; {len(self.vocabulary)} different words, {self.alphabet} characters"


def treebank(folder: Path, longest: int) -> Corpus:
    """Penn Treebank as prepared by Mikolov: one sentence a line, words parted by blanks, rare ones `<unk>` already.

    Args:
        folder: With `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`.
        longest: Characters of a word with both marks; longer words are cut.

    Raises:
        TextError: If a file is missing, too large, no UTF-8 or empty.
        TooLargeError: If memory does not suffice.
    """
    splits = Splits(*(treebank_words(read_text(folder / name)) for name in TREEBANK))
    for name, words in zip(TREEBANK, splits, strict=True):
        if not words:
            raise TextError(f"{folder / name}: no words in it; the treebank's own file is needed")
    return corpus(str(folder), splits, most=len(splits.train), longest=longest)


def treebank_words(text: str) -> list[str]:
    """The words, `<eos>` behind every line."""
    return [word for line in text.splitlines() for word in (*line.split(), END_OF_LINE)]


def plain_text(source: str, text: str, most: int, longest: int) -> Corpus:
    """A text in lower case, punctuation marks as words; the first 80 % to train on, then validation, then the test.

    Args:
        source: As tables name it.
        text: Lines without any sign but blanks are left out.
        most: Words of the vocabulary, the most frequent ones of the training part; the two signs are among them.
        longest: As for `treebank`.

    Raises:
        TextError: If the text has fewer than ten words.
        TooLargeError: If memory does not suffice.
    """
    lines = (_TOKEN.findall(line) for line in text.lower().splitlines())
    words = [word for line in lines if line for word in (*line, END_OF_LINE)]
    held = round(HELD_OUT * len(words))
    if not held:
        raise TextError(f"{source}: {len(words)} words; a longer text is needed")
    return corpus(source, Splits(words[: -2 * held], words[-2 * held : -held], words[-held:]), most, longest)


def corpus(source: str, splits: Splits, most: int, longest: int) -> Corpus:
    """Words counted in the training part, numbered from the most frequent to the rarest, ties in alphabetical order.

    Raises:
        TextError: If `most` or `longest` is below 3.
        TooLargeError: If memory does not suffice.
    """
    if min(most, longest) < 3:
        raise TextError(f"a vocabulary of {most} words of {longest} characters; both must be at least 3")
    vocabulary = _vocabulary(splits.train, most)
    memory.require(8 * (sum(map(len, splits)) + 2 * len(vocabulary) * longest), f"{source}: the words as numbers")
    alphabet = {letter: number for number, letter in enumerate(_letters(vocabulary), SIGNS)}
    numbers = {word: number for number, word in enumerate(vocabulary)}
    train, valid, test = (torch.tensor([numbers.get(word, 0) for word in words], dtype=torch.int64) for words in splits)
    spelling = torch.tensor([spelled(word, alphabet, longest) for word in vocabulary], dtype=torch.int64)
    return Corpus(source, vocabulary, train, valid, test, spelling, SIGNS + len(alphabet))


def _vocabulary(words: Iterable[str], most: int) -> tuple[str, ...]:
    counted = Counter(words)
    counted.pop(UNKNOWN, None)
    ordered = sorted(counted, key=lambda word: (-counted[word], word))
    return (UNKNOWN, *ordered[: most - 1])


def _letters(vocabulary: Sequence[str]) -> list[str]:
    return sorted({letter for word in vocabulary for letter in word})


def spelled(word: str, alphabet: dict[str, int], longest: int) -> list[int]:
    """The characters between both marks, cut and padded to length `longest`."""
    letters = [alphabet[letter] for letter in word[: longest - 2]]
    return [START, *letters, END, *[PADDING] * (longest - 2 - len(letters))]


def read_text(path: Path) -> str:
    """A text file in UTF-8.

    Raises:
        TextError: If it is missing, larger than `LARGEST_TEXT` bytes, or no UTF-8.
        TooLargeError: If memory does not suffice.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_TEXT:
            raise TextError(f"{path}: {size} bytes; at most {LARGEST_TEXT} are read, give a part of it")
        memory.require(BYTES_A_CHARACTER * size, f"{path}: its {size} bytes as words")
        with path.open("rb") as file:
            data = file.read(LARGEST_TEXT)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise TextError(f"{path}: {error.strerror or error}; a text file is needed") from error
    except UnicodeDecodeError as error:
        raise TextError(f"{path}: no UTF-8 at byte {error.start}; convert it, for example with iconv") from error
    if "\0" in text:
        raise TextError(f"{path}: a zero byte in it; a text file is needed")
    return text


def language_reference() -> str:
    """The topics of Python's own help, in alphabetical order: the language reference of this version of Python.

    Topics share paragraphs; each is taken once, so that none is trained on and tested.

    Raises:
        TextError: If this Python was installed without them.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise TextError("this Python has no pydoc_data, the text of its help; name a text file with --text") from error
    paragraphs = (part.strip("\n") for name in sorted(topics) for part in topics[name].split("\n\n"))
    return "\n\n".join(dict.fromkeys(paragraphs))
