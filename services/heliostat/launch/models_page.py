"""docs/models.md: every model with its providers, what it costs and what it can do."""

from collections.abc import Sequence

from heliostat.launch.assortment import Article, Offer, assortment, price_of

_HEAD = """\
# Models

*Made by `python -m heliostat.launch.reference models` from the adapters' catalogues; `heliostat models` prints the same
on a terminal.*

{count} models, {several} of them at two providers or more. A model is asked for by its name here at every provider; its
other names lead to it too, and so do providers' own ids where they mean one model ([routing.md](routing.md)). Without a
route of yours a model is served by the providers that you have keys for, cheapest first, as they stand in this table.
Prices are US dollars for one picture of 1024 x 1024 with nothing else wished for, or for the first thing that a model
does with such a picture, at the provider's cheapest way to it; `?` where nobody can tell beforehand. What is charged is
in [money.md](money.md), which provider takes what in [rest_api.md](rest_api.md).

| model | what it is | by | providers, with price | operations |
| --- | --- | --- | --- | --- |
"""
_OTHER_NAMES = """
## Other names

| model | also known as |
| --- | --- |
"""


def page() -> str:
    """The page."""
    articles = assortment()
    several = sum(len(article.providers) > 1 for article in articles)
    rows = "".join(map(_row, articles))
    names = "".join(f"| `{each.name}` | {_names(each.aliases)} |\n" for each in articles if each.aliases)
    return f"{_HEAD.format(count=len(articles), several=several)}{rows}{_OTHER_NAMES}{names}"


def _row(article: Article) -> str:
    # A provider may have a model in several ways; the first is its cheapest.
    firsts = {offer.provider: offer for offer in reversed(article.offers)}
    offers = ", ".join(_offer(firsts[provider]) for provider in article.providers)
    operations = ", ".join(each.replace("_", " ") for each in article.operations)
    text = article.description.replace("|", "\\|")
    return f"| `{article.name}` | {text} | {article.creator} | {offers} | {operations} |\n"


def _offer(offer: Offer) -> str:
    return f"{offer.provider} {price_of(offer.usual_micros)}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
