"""From templates to pages: everything escaped, everything inside the page, a content security policy on each."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from proactivebench.board.site.facts import fact_cell, fact_columns, fact_lines
from proactivebench.board.site.legend import data_words, judge_words, protocol_words, reasons, shared_badges
from proactivebench.board.site.row import BADGES, conditions_in_words
from proactivebench.records import MetricValue
from proactivebench.resources import shipped

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = ("leaderboard", "templates")
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?\Z")


def one_file(template: str, *, scripts: tuple[str, ...] = ("board.js",), data: Any = None, **context: Any) -> str:
    """A page that needs no other file: style, scripts and `data` (read by the scripts) stand in it, by hash."""
    style, code = stylesheet(), "\n".join(asset(script) for script in scripts)
    policy = _policy(f"style-src '{_hash(style)}'", f"script-src '{_hash(code)}'")
    return render(
        template, policy=policy, style=style, code=code, data=None if data is None else safe_json(data), **context
    )


def site_page(template: str, *, root: str, scripts: tuple[str, ...] = ("board.js",), **context: Any) -> str:
    """A page of a site whose files lie at `root`, a relative path such as "../"; it loads nothing from elsewhere."""
    policy = _policy("style-src 'self'", "script-src 'self'")
    return render(template, policy=policy, root=root, scripts=scripts, **context)


def render(template: str, **context: Any) -> str:
    """The text of a template of `leaderboard/templates/`."""
    return _environment().get_template(template).render(**context)


def stylesheet() -> str:
    """The board's style sheet, the colours that all pages share before it."""
    return asset("tokens.css") + asset("board.css")


@cache
def asset(name: str) -> str:
    """A style sheet or script of the templates folder."""
    return shipped(*TEMPLATES, name).read_text(encoding="utf-8")


def safe_json(value: Any) -> str:
    """JSON that may stand inside a script element: no text in it can close the element or open a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def https_link(text: str | None) -> str | None:
    """`text` if it is a plain https address, else None: nothing else becomes a link."""
    return text if text and _LINK.match(text) else None


def number(value: float | None, digits: int = 3) -> str:
    """A value for reading; undefined is a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(metric: MetricValue) -> str:
    """The 95 % interval for reading, or nothing."""
    return "" if metric.interval is None else f"[{metric.interval[0]:.2f}, {metric.interval[1]:.2f}]"


def value(metric: MetricValue | None) -> Markup:
    """A metric's cell: the value and its interval, or why there is none."""
    from markupsafe import Markup

    if metric is None or metric.value is None:
        return Markup('<span class="quiet">{}</span>').format((metric.reason if metric else None) or "undefined")
    return Markup(f'{number(metric.value)} <span class="quiet">{interval(metric)}</span>')  # noqa: S704 # numbers


def metric_title(key: str) -> str:
    """A metric's name, as the registry has it."""
    from proactivebench.scoring.registry import metric_for

    title = metric_for(key).title
    return title[:1].upper() + title[1:]


def metric_short(key: str) -> str:
    """The same for a narrow column."""
    from proactivebench.scoring.registry import metric_for

    metric = metric_for(key)
    return (metric.short or metric.title)[:1].upper() + (metric.short or metric.title)[1:]


def metric_better(key: str) -> str:
    """Which end of a metric is the better one: `up`, `down` or nothing."""
    from proactivebench.scoring.registry import metric_for

    return metric_for(key).better


def p_text(p: float | None) -> str:
    """A p-value for reading; none is a dash."""
    from proactivebench.scoring.signflip import p_value

    return "–" if p is None else p_value(p)


def _policy(*sources: str) -> str:
    return "; ".join(("default-src 'none'", *sources, "img-src data:", "base-uri 'none'", "form-action 'none'"))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from proactivebench.board.site.pairs import closest, pair_words, told_apart

    environment = Environment(
        loader=FileSystemLoader(shipped(*TEMPLATES)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["badge_meanings"] = BADGES
    environment.filters.update(number=number, interval=interval, value=value, https_link=https_link)
    environment.filters.update(shared_badges=shared_badges, reasons=reasons)
    environment.filters.update(data_words=data_words, judge_words=judge_words, protocol_words=protocol_words)
    environment.filters.update(conditions=conditions_in_words, p_value=p_text)
    environment.filters.update(closest=closest, pair_words=pair_words, told_apart=told_apart)
    environment.filters.update(metric_title=metric_title, metric_short=metric_short, metric_better=metric_better)
    environment.filters.update(fact_cell=fact_cell, fact_columns=fact_columns, fact_lines=fact_lines)
    return environment
