"""Which texts share rare pieces with a question: characters alone, in twos and threes, and words.

Every piece is one 64-bit number, so that a knowledge base of 100,000 texts is indexed by sorting
a few arrays. A text's weight for a piece is how rare the piece is; texts are compared by cosine.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from content.matcher.normalise import Plain

Keys = NDArray[np.uint64]
_BITS = np.uint64(21)
_TWICE = np.uint64(42)
_WORD = np.uint64(1 << 63)
# One piece in more texts than this, or than this share, finds too much to tell anything.
_COMMON, _COMMON_SHARE = 2_000, 0.03
# How many places of pieces in texts are looked at for a question, those of the rarest pieces first.
_LOOKED_THROUGH = 20_000
# How much pieces of one, two and three characters and words count.
_ONE, _TWO, _THREE, _WHOLE = 0.35, 1.0, 1.0, 0.8


class Index:
    """Over texts by number, from 0. Texts can be left out later, but not added: see Matcher."""

    def __init__(self, texts: Sequence[Plain]) -> None:
        self.size = len(texts)
        self._alive = np.ones(self.size, dtype=bool)
        self._vocabulary: dict[str, int] = {}
        keys, holders = self._pieces(texts)
        self._keys, self._starts, self._holders = _posted(keys, holders, self.size)
        counts = np.diff(self._starts)
        self._rarity = _rarity(counts, self.size) * _share_of(self._keys)
        squares = np.bincount(
            self._holders, weights=np.repeat(self._rarity**2, counts), minlength=self.size
        )
        self._lengths = np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32)
        self._unknown = float(np.log1p(max(1, self.size)))

    def leave_out(self, numbers: Iterable[int]) -> None:
        """These texts are found no more."""
        self._alive[list(numbers)] = False

    def nearest(self, asked: Plain, most: int) -> list[tuple[int, float]]:
        """The texts nearest to the question, best first, each with the cosine, 0 to 1."""
        if not self.size:
            return []
        keys = np.unique(self._pieces_of(asked))
        places = np.searchsorted(self._keys, keys)
        places[places == len(self._keys)] = 0
        known = self._keys[places] == keys if len(self._keys) else np.zeros(len(keys), dtype=bool)
        found = places[known]
        if not len(found):
            return []
        whole = float((self._rarity[found] ** 2).sum())
        whole += float(((self._unknown * _share_of(keys[~known])) ** 2).sum())
        found = self._telling(found)
        slices = [self._holders[self._starts[at] : self._starts[at + 1]] for at in found]
        counts = [len(part) for part in slices]
        weights = np.repeat(self._rarity[found] ** 2, counts)
        return self._best(np.concatenate(slices), weights, whole, most)

    def _telling(self, found: NDArray[np.intp]) -> NDArray[np.intp]:
        """The rarest of these pieces, as many as can be looked through in time."""
        counts = self._starts[found + 1] - self._starts[found]
        if int(counts.sum()) <= _LOOKED_THROUGH:
            return found
        order = np.argsort(counts, kind="stable")
        enough = int(np.searchsorted(np.cumsum(counts[order]), _LOOKED_THROUGH)) + 1
        return found[order[:enough]]

    def _best(
        self, held: NDArray[np.int32], weights: NDArray[np.float64], whole: float, most: int
    ) -> list[tuple[int, float]]:
        scores = np.bincount(held, weights=weights, minlength=self.size)
        at = np.flatnonzero(scores) if self.size > len(held) else np.arange(self.size)
        worth = scores[at] * self._alive[at] / self._lengths[at]
        if most < len(at):
            part = np.argpartition(worth, len(at) - most)[-most:]
            at, worth = at[part], worth[part]
        kept = worth > 0
        at, worth = at[kept], worth[kept]
        # By number where they are alike: the same question gets the same answer.
        order = np.lexsort((at, -worth))
        return list(zip(at[order].tolist(), (worth[order] / whole**0.5).tolist(), strict=True))

    def _pieces(self, texts: Sequence[Plain]) -> tuple[Keys, NDArray[np.int32]]:
        """Every piece of every text, with the text's number; a piece may come twice."""
        joined = "\n".join(text.text for text in texts)
        codes = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
        ends = codes == np.uint64(10)
        owner = np.cumsum(ends, dtype=np.int32)
        keys, holders = [codes[~ends]], [owner[~ends]]
        for piece, reach in ((_twos(codes), 1), (_threes(codes), 2)):
            whole = ~ends[: len(piece)]
            for step in range(1, reach + 1):
                whole &= ~ends[step : step + len(piece)]
            keys.append(piece[whole])
            holders.append(owner[: len(piece)][whole])
        del codes, owner, ends, piece, whole
        number = self._vocabulary.setdefault
        found = (number(word, len(self._vocabulary)) for text in texts for word in _long(text))
        words = np.fromiter(found, dtype=np.uint64)
        counts = np.fromiter((len(_long(text)) for text in texts), dtype=np.int32)
        keys.append(words | _WORD)
        holders.append(np.repeat(np.arange(len(texts), dtype=np.int32), counts))
        return np.concatenate(keys), np.concatenate(holders)

    def _pieces_of(self, text: Plain) -> Keys:
        codes = np.frombuffer(text.text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
        known = self._vocabulary.get
        numbers = [known(word, -1) for word in _long(text)]
        words = np.array([n for n in numbers if n >= 0], dtype=np.uint64) | _WORD
        return np.concatenate([codes, _twos(codes), _threes(codes), words])


def _long(text: Plain) -> list[str]:
    """The words that are not one character, which is a piece already."""
    return [word for word in text.words if len(word) > 1]


def _twos(codes: Keys) -> Keys:
    return (codes[:-1] << _BITS) | codes[1:]


def _threes(codes: Keys) -> Keys:
    return (codes[:-2] << _TWICE) | (codes[1:-1] << _BITS) | codes[2:]


def _share_of(keys: Keys) -> NDArray[np.float64]:
    """How much a piece counts by its kind."""
    kinds = [keys >= _WORD, keys >= np.uint64(1 << 42), keys >= np.uint64(1 << 21)]
    found: NDArray[np.float64] = np.select(kinds, [_WHOLE, _THREE, _TWO], _ONE)
    return found


def _rarity(counts: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.log1p(size / np.maximum(counts, 1))
    return found


def _posted(
    keys: Keys, holders: NDArray[np.int32], size: int
) -> tuple[Keys, NDArray[np.int64], NDArray[np.int32]]:
    """The pieces in order, where the holders of each begin, and the holders."""
    # Of one piece the holders stand in their order already: each kind of piece was listed so.
    order = np.argsort(keys, kind="stable")
    keys, holders = keys[order], holders[order]
    first = np.ones(len(keys), dtype=bool)
    first[1:] = (keys[1:] != keys[:-1]) | (holders[1:] != holders[:-1])
    keys, holders = keys[first], holders[first]
    kinds, counts = np.unique(keys, return_counts=True)
    telling = counts <= max(_COMMON, _COMMON_SHARE * size)
    kept = np.repeat(telling, counts)
    begins = np.concatenate([[0], np.cumsum(counts[telling])])
    return kinds[telling], begins.astype(np.int64), holders[kept]
