"""Parsing: our reader, with positions, duplicate keys and limits, against PyYAML's C loader."""

import statistics
import time

import yaml

from bench.corpus import files
from stateward.desired.documents import parse

ROUNDS = 5


def main() -> None:
    texts = [text.encode() for _, text in files(100, 10_000)]
    ratios, ours, theirs = [], [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for text in texts:
            list(yaml.load_all(text, Loader=yaml.CSafeLoader))
        theirs.append(time.perf_counter() - start)
        start = time.perf_counter()
        for text in texts:
            parse("x.yml", text)
        ours.append(time.perf_counter() - start)
        ratios.append(ours[-1] / theirs[-1])
    size = sum(map(len, texts)) / 1024 / 1024
    print(
        f"parse: {size:.1f} MiB  ours {statistics.median(ours):.2f} s"
        f"  CSafeLoader {statistics.median(theirs):.2f} s  ratio {statistics.median(ratios):.2f}"
    )
