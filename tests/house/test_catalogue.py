"""The catalogue as a whole: enough models, enough of them at several providers, and one name for each."""

import asyncio
from collections import defaultdict

import pytest

from heliostat.adapters.sdk.canon import canon
from heliostat.launch.assortment import Article, assortment
from heliostat.launch.described import described
from heliostat.router.naming import fold

LEAST_MODELS, LEAST_RESILIENT = 60, 30
# What runs on our own machines: no other company to turn to.
OWN = frozenset({"studio", "mock", "comfyui", "automatic1111"})


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    """Every model that some adapter offers."""
    return assortment()


def test_there_are_enough_models(articles: list[Article]) -> None:
    """Canonical ones: spellings and snapshots of providers do not count twice."""
    assert len([article for article in articles if not OWN.issuperset(article.providers)]) >= LEAST_MODELS


def test_enough_models_are_at_two_providers_or_more(articles: list[Article]) -> None:
    """One provider is no resilience. The same company under another name is the same provider."""
    resilient = [article.name for article in articles if len(set(article.providers) - OWN) > 1]
    assert len(resilient) >= LEAST_RESILIENT, resilient


def test_no_two_models_differ_by_spelling_only(articles: list[Article]) -> None:
    """Else a route that nobody wrote holds half of the providers: name them alike, or give canon.json the spelling."""
    alike: dict[str, set[str]] = defaultdict(set)
    for article in articles:
        for name in (article.name, *article.aliases):
            alike[fold(name)].add(article.name)
    offenders = [sorted(names) for names in alike.values() if len(names) > 1]
    assert offenders == []


def test_every_model_of_the_file_is_served_by_somebody(articles: list[Article]) -> None:
    """canon.json holds no entry that no adapter leads to, under its own name."""
    assert sorted(canon().models.keys() - {article.name for article in articles}) == []


def test_every_model_says_what_it_is(articles: list[Article]) -> None:
    """In a sentence: the file's for all providers, or that of the only catalogue that has it."""
    offenders = [article.name for article in articles if not article.description]
    assert offenders == []


def test_what_a_catalogue_adds_is_not_what_the_file_says() -> None:
    """Both are told one after the other; "for quality. For quality" says nothing twice."""
    known, offenders = canon(), []
    for model in (model for each in asyncio.run(described()) for model in each.models):
        canonical = known.canonical(next(iter(model.model_names), ""))
        text = known.models[canonical].text if canonical else ""
        added = model.description.removeprefix(text).strip(" .")
        if added and added.lower() in text.lower():
            offenders.append((model.provider_model, model.description))
    assert offenders == []


def test_a_mistaken_name_is_no_spelling_of_another_model() -> None:
    """What means a model elsewhere exactly may only stand in for it where that one is not served."""
    known = canon()
    offenders = [
        (name, loose)
        for name, entry in known.models.items()
        for loose in entry.loose
        if known.canonical(loose) == name or loose in entry.also
    ]
    assert offenders == []
