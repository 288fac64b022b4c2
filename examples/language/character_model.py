"""The character-aware language model, dense and of StrassenNets layers, on a text: perplexity and operations a word.

    python -m examples.language.character_model
    python -m examples.language.character_model --text novel.txt --shares 2 1 0.5 0.25 --json results.json
    python -m examples.language.character_model --ptb DIR --filters 50 100 150 200 200 200 200 --highways 2 \\
        --hidden 650 --layers 2 --dropout 0.5 --last 2000 --longest 21 --batch 20 --steps 35 \\
        --epochs 20 20 5 --dense-epochs 40

Without --ptb or --text the text is the language reference that comes with Python (`pydoc_data.topics`). DIR holds
ptb.train.txt, ptb.valid.txt and ptb.test.txt. A line of the table is a model: `share` is the paper's r / n_out, the
products for each output; a perplexity is given after each phase, the last one of the finished ternary model.

Source:
    M. Tschannen, A. Khanna and A. Anandkumar, "StrassenNets: deep learning with a multiplication budget", ICML 2018.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from bilinear.commands.screen import counted
from bilinear.layers.strassen import Phase
from examples.language.network import Budget, CharacterConfig, CharacterModel
from examples.language.text import REFERENCE, Corpus, language_reference, plain_text, read_text, treebank
from examples.language.training import Recipe, perplexity, train_dense, train_phases
from examples.tables import Table, finished

COLUMNS = {
    "model": "12s",
    "share": ">5.3g",
    "distilled": "9s",
    "multiplications": ",d",
    "additions": ",d",
    "full": ">9.1f",
    "quantised": ">9.1f",
    "valid": ">9.1f",
    "test": ">9.1f",
    "seconds": ">7.0f",
}
LAST = 3
"""Products of the last layer for each unit of the LSTM: the paper has 2000 for 650."""


def read(given: argparse.Namespace) -> Corpus:
    """The text that was asked for."""
    if given.ptb is not None:
        return treebank(given.ptb, given.longest)
    if given.text is not None:
        return plain_text(str(given.text), read_text(given.text), given.vocabulary, given.longest)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return plain_text(f"{REFERENCE} {version}", language_reference(), given.vocabulary, given.longest)


def build(corpus: Corpus, given: argparse.Namespace, share: float | None = None) -> CharacterModel:
    """A fresh model; of dense layers without a share."""
    torch.manual_seed(given.seed)
    config = CharacterConfig(
        len(corpus.vocabulary),
        corpus.alphabet,
        given.longest,
        filters=tuple(given.filters),
        highways=given.highways,
        hidden=given.hidden,
        layers=given.layers,
        dropout=given.dropout,
    )
    last = LAST * given.hidden if given.last is None else given.last
    return CharacterModel(config, corpus.spelling, None if share is None else Budget(share, last))


def compare(given: argparse.Namespace, corpus: Corpus, table: Table) -> None:
    """Train the dense model, then the others with and without it as their teacher; one line of the table each."""
    recipe = Recipe(
        tuple(given.epochs), given.dense_epochs, tuple(given.rates), given.batch, given.steps, seed=given.seed
    )
    with counted("training", recipe.dense_epochs + 2 * len(given.shares) * sum(recipe.epochs)) as tick:
        teacher = dense(given, corpus, recipe, table, tick)
        for share in given.shares:
            for taught in (None, teacher):
                ternary(given, corpus, recipe, share, taught, table, tick)


def dense(
    given: argparse.Namespace, corpus: Corpus, recipe: Recipe, table: Table, tick: Callable[[str], None]
) -> CharacterModel:
    """Train and measure the dense model."""
    start = time.perf_counter()
    model = build(corpus, given)
    train_dense(model, corpus.train, recipe, tick)
    valid, test = (perplexity(model, part, recipe) for part in (corpus.valid, corpus.test))
    count = model.operations()
    table.add(
        model="dense",
        multiplications=count.multiplications,
        additions=count.additions,
        valid=valid,
        test=test,
        seconds=time.perf_counter() - start,
    )
    return model


def ternary(
    given: argparse.Namespace,
    corpus: Corpus,
    recipe: Recipe,
    share: float,
    teacher: CharacterModel | None,
    table: Table,
    tick: Callable[[str], None],
) -> None:
    """Train a model of StrassenNets layers through its phases, and measure it behind each."""
    start = time.perf_counter()
    model = build(corpus, given, share)

    def heard(phase: str) -> None:
        tick(f"share {share:g}{'' if teacher is None else ', distilled'}, {phase}")

    after = {
        phase: perplexity(model, corpus.valid, recipe)
        for phase in train_phases(model, corpus.train, recipe, teacher, heard)
    }
    count = model.operations()
    table.add(
        model="StrassenNets",
        share=share,
        distilled="no" if teacher is None else "yes",
        multiplications=count.multiplications,
        additions=count.additions,
        full=after[Phase.FULL],
        quantised=after[Phase.QUANTISED],
        valid=after[Phase.FROZEN],
        test=perplexity(model, corpus.test, recipe),
        seconds=time.perf_counter() - start,
    )


def arguments() -> argparse.Namespace:
    """What was asked for, sizes checked."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.language.character_model", description=(__doc__ or "").splitlines()[0]
    )
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--ptb", type=Path, metavar="DIR", help="Penn Treebank's files")
    text.add_argument("--text", type=Path, metavar="FILE", help="any text in UTF-8")
    parser.add_argument("--vocabulary", type=int, default=2000, help="words of a text that is not the treebank")
    parser.add_argument("--longest", type=int, default=16, help="characters of a word, two marks included")
    parser.add_argument("--shares", type=float, nargs="+", default=[2, 1, 0.5], help="products for each output")
    parser.add_argument("--last", type=int, help=f"products before the softmax ({LAST} times --hidden)")
    parser.add_argument("--filters", type=int, nargs="+", default=[10, 20, 30, 40], help="of width 1, 2, ...")
    parser.add_argument("--highways", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=100, help="units of each layer of the LSTM")
    parser.add_argument("--layers", type=int, default=1, help="of the LSTM")
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--epochs", type=int, nargs=3, default=[4, 2, 1], metavar=("FULL", "QUANTISED", "FROZEN"))
    parser.add_argument("--dense-epochs", type=int, default=16)
    parser.add_argument(
        "--rates", type=float, nargs=3, default=[4e-3, 2e-3, 5e-4], metavar=("FULL", "QUANTISED", "FROZEN")
    )
    parser.add_argument("--batch", type=int, default=40, help="streams side by side")
    parser.add_argument("--steps", type=int, default=20, help="words of a stream between two changes of the weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the table there")
    given = parser.parse_args()
    least = min(
        given.longest,
        given.hidden,
        given.layers,
        given.batch,
        given.steps,
        given.threads,
        *given.filters,
        given.dense_epochs,
    )
    if least < 1 or (given.last or 1) < 1 or min(given.epochs) < 0 or given.highways < 0 or given.seed < 0:
        parser.error("sizes must be at least 1; --epochs, --highways and --seed at least 0")
    if min(given.shares) <= 0 or min(given.rates) <= 0 or not 0 <= given.dropout < 1:
        parser.error("--shares and --rates must be above 0, --dropout from 0 to below 1")
    return given


def main() -> int:
    """Run the comparison and print its table."""
    given = arguments()
    torch.set_num_threads(given.threads)
    table, texts = Table(COLUMNS), []

    def run() -> None:
        corpus = read(given)
        texts.append(str(corpus))
        print(corpus)
        table.head()
        compare(given, corpus, table)

    parameters = {name: value for name, value in vars(given).items() if name != "json"}
    parameters |= {name: str(parameters[name]) for name in ("ptb", "text") if parameters[name]}
    return finished(run, lambda: {"parameters": parameters, "text": texts, "rows": table.rows}, given.json)


if __name__ == "__main__":
    sys.exit(main())
