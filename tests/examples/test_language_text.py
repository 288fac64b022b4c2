"""Texts become numbers: the treebank's files, any text, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions import BilinearError
from examples.language.text import (
    END,
    LARGEST_TEXT,
    PADDING,
    SIGNS,
    START,
    TREEBANK,
    TextError,
    language_reference,
    plain_text,
    read_text,
    spelled,
    treebank,
)

LETTERS = {letter: number for number, letter in enumerate("abcdefghij", SIGNS)}
SENTENCES = (" no it was n't <unk> \n it was N \n", " it is n't \n", " was it \n")


def write_treebank(folder: Path, sentences: tuple[str, ...] = SENTENCES) -> Path:
    for name, text in zip(TREEBANK, sentences, strict=True):
        (folder / name).write_text(text)
    return folder


def test_the_treebanks_files(tmp_path: Path) -> None:
    corpus = treebank(write_treebank(tmp_path), longest=5)
    assert corpus.vocabulary == ("<unk>", "<eos>", "it", "was", "N", "n't", "no")
    words = [" ".join(corpus.vocabulary[word] for word in part) for part in (corpus.train, corpus.valid, corpus.test)]
    assert words == ["no it was n't <unk> <eos> it was N <eos>", "it <unk> n't <eos>", "was it <eos>"]
    assert corpus.spelling.shape == (7, 5)
    assert corpus.alphabet == len(set("".join(corpus.vocabulary))) + SIGNS
    assert str(corpus) == f"{tmp_path}: 10, 4 and 3 words to train, validate and test; 7 different words, 17 characters"


@pytest.mark.parametrize("missing", TREEBANK)
def test_a_treebank_without_a_file(tmp_path: Path, missing: str) -> None:
    (write_treebank(tmp_path) / missing).unlink()
    with pytest.raises(TextError, match=f"{missing}: No such file or directory; a text file is needed"):
        treebank(tmp_path, longest=5)


def test_a_treebank_with_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"ptb\.valid\.txt: no words in it; the treebank's own file is needed"):
        treebank(write_treebank(tmp_path, (SENTENCES[0], "", SENTENCES[2])), longest=5)


def test_a_text_is_split_in_order_and_its_vocabulary_is_bounded() -> None:
    text = "One, two; one two!\n\n   \n" + "zero one two three four five\n" * 10
    corpus = plain_text("it", text, most=4, longest=6)
    words = [corpus.vocabulary[word] for part in (corpus.train, corpus.valid, corpus.test) for word in part]
    assert corpus.vocabulary[0] == "<unk>"
    assert set(corpus.vocabulary[1:3]) == {"one", "two"}
    assert words[:4] == ["one", "<unk>", "two", "<unk>"]
    assert (len(corpus.train), len(corpus.valid), len(corpus.test)) == (62, 8, 8)


@given(st.lists(st.sampled_from("abcdef"), min_size=10, max_size=60), st.integers(3, 9))
def test_the_vocabulary_holds_the_most_frequent_words(words: list[str], most: int) -> None:
    corpus = plain_text("it", " ".join(words), most, longest=3)
    held = round(0.1 * (len(words) + 1))
    counted = Counter([*words, "<eos>"][: -2 * held])
    kept = corpus.vocabulary[1:]
    assert len(kept) == min(most - 1, len(counted))
    assert min(counted[word] for word in kept) >= max((counted[w] for w in counted if w not in kept), default=0)


@given(st.text("abcdefghij", max_size=12), st.integers(3, 10))
def test_a_word_is_spelled_between_marks(word: str, longest: int) -> None:
    letters = spelled(word, LETTERS, longest)
    end = letters.index(END)
    back = {number: letter for letter, number in LETTERS.items()}
    assert len(letters) == longest
    assert letters[0] == START
    assert "".join(back[letter] for letter in letters[1:end]) == word[: longest - 2]
    assert set(letters[end + 1 :]) <= {PADDING}


def test_no_paragraph_of_the_language_reference_comes_twice() -> None:
    paragraphs = language_reference().split("\n\n")
    assert len(paragraphs) > 1000
    assert len(set(paragraphs)) == len(paragraphs)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"fine so far \xff", "no UTF-8 at byte 12; convert it, for example with iconv"),
        (b"a\0b", "a zero byte in it; a text file is needed"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "it.txt"
    path.write_bytes(data)
    with pytest.raises(TextError, match=f"it.txt: {text}"):
        read_text(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "it.txt"
    with path.open("wb") as file:
        file.truncate(LARGEST_TEXT + 1)
    with pytest.raises(TextError, match=f"at most {LARGEST_TEXT} are read, give a part of it"):
        read_text(path)


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="a text file is needed"):
        read_text(tmp_path)


def test_a_mark_of_the_byte_order_is_no_word(tmp_path: Path) -> None:
    path = tmp_path / "it.txt"
    path.write_bytes(b"\xef\xbb\xbfword")
    assert read_text(path) == "word"


@pytest.mark.parametrize(
    ("text", "most", "longest"), [("", 9, 9), ("a b c", 9, 9), ("a " * 30, 2, 9), ("a " * 30, 9, 2)]
)
def test_texts_and_sizes_that_are_too_small(text: str, most: int, longest: int) -> None:
    with pytest.raises(BilinearError, match=r"a longer text is needed|both must be at least 3"):
        plain_text("it", text, most, longest)
