"""Reads what a scraper is given."""

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families


def samples(text: str, name: str) -> Counter[tuple[str, ...]]:
    """Return what is not 0 of a metric, by the values of its labels in the order of their names."""
    found: Counter[tuple[str, ...]] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name:
                key = tuple(value for _, value in sorted(sample.labels.items()))
                assert key not in found
                found[key] = int(sample.value)
    return +found


def names(text: str) -> set[str]:
    """Return the names that samples can have, also where nothing was counted yet."""
    endings = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}
    return {
        f"{family.name}{ending}"
        for family in text_string_to_metric_families(text)
        for ending in endings.get(family.type, ("",))
    }
