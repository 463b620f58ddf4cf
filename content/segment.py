"""Words of a Chinese text (jieba), lower case; loaded when first used, 0.6 s and 60 MB."""

import warnings
from collections.abc import Iterable
from functools import cache
from threading import Lock
from typing import Any

_loading = Lock()


@cache
def _tokenizer() -> Any:
    """jieba's own loading leaves a cache in the machine's shared temporary folder, which anybody
    there could have written: the dictionary is read from the package instead.
    """
    with warnings.catch_warnings():
        # Its regular expressions are not raw strings, which Python warns of.
        warnings.simplefilter("ignore")
        import jieba
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


def warm() -> None:
    """Load the dictionary now; of several threads that need it one does."""
    with _loading:
        _tokenizer()


def teach(words: Iterable[str]) -> None:
    """Keep these terms in one piece."""
    warm()
    for word in words:
        _tokenizer().add_word(word)


def words_of(text: str) -> list[str]:
    warm()
    found: list[str] = _tokenizer().lcut(text, HMM=False)
    return found
