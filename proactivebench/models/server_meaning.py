"""What a server means by what it says, in whatever wording. Loaded where one refuses."""

from __future__ import annotations

import re


def _any(*wordings: str) -> re.Pattern[str]:
    return re.compile("|".join(wordings), re.IGNORECASE)


_TOO_LARGE = _any(
    # codes
    r"context_length_exceeded|context_window_exceeded|exceed_context_size|contextwindowexceeded|request_too_large",
    r"tokens_limit_reached|string_above_max_length|max_prompt_tokens_exceeded|prompt_too_long",
    # words that need no others
    r"(?:prompt|inputs?|messages|conversation|request body|request entity|payload|context)(?: is| are|:)* "
    r"too (?:long|large|big)\b",
    r"(?:prompt|input|messages|conversation)s? (?:exceeds?|is longer than|is larger than|over)\b",
    r"request (?:entity |body )?too large|too many (?:input |prompt )?tokens|range of (?:input length|max_tokens)",
    r"exceed(?:s|ed)? max(?:imum)? length|session_len|tokens must be reduced|limit exceeded by \d+ tokens",
    r"reduce (?:your|the) (?:message size|messages?|(?:input|context|prompt)? ?length|prompt|input)\b",
    r"too big compared to kv|physical batch size|tokens must be at least 1, got (?:-\d|0)",
    r"\b(?:messages|content)\b.{0,80}(?:string too long|at most \d+ characters)|string too long.{0,60}maximum length",
    r"超长|过长|超(?:过|出)[^。]{0,12}(?:长度|上下文|最大)",
    r"\b(?:does not|doesn't|do not|don't|will not|won't|cannot|can't|no longer) fits? (?:in|into|within|inside)\b",
    r"(?:not enough|no|insufficient|out of) (?:\w+ )?(?:space|room|slots?|capacity)\b"
    r"(?: is| are)?(?: left| remaining)? (?:in|within) .{0,20}\b(?:context|kv|window)",
    # lengths of a context in other languages, where only a refusal speaks of them
    r"longueur (?:de |du )?contexte|longitud (?:del? )?contexto|(?:comprimento|tamanho) d[eo] contexto"
    r"|kontext(?:länge|fenster|größe)|lunghezza (?:del |di )?contesto|コンテキスト(?:長|ウィンドウ)|длин\w+ контекст",
)
_MORE = (
    r"exceed|too (?:long|large|big|many)|(?:longer|larger|bigger) than|(?<!be )greater than|beyond|overflow|reduce"
    r"|at most|\bover\b|(?<!be )\babove\b|(?<!be )\bmore than\b|allowance|built for|capped"
)
_TURN = r"prompts?|inputs?|messages?|requests?|conversation|sequence|text|chat|dialogue"
_SIZES = (  # what has a size, and that something is more than it
    (
        _any(
            r"context[ _-]?(?:length|window|size|limit)|maximum (?:prompt|input|model|sequence) length|n_ctx",
            r"max\w*[ _-](?:model|sequence|seq|position|input|prompt|session)\w*[ _-]?len\w*",
        ),
        _any(_MORE, r"maximum|only|smaller|increase"),
    ),
    (
        _any(
            rf"\b(?:{_TURN})\b.{{0,60}}\btokens?\b|\btokens?\b.{{0,60}}\b(?:{_TURN})\b",
            r"\binput length\b|\btoken (?:count|limit)\b",
        ),
        _any(_MORE, r"less than|fewer than|<=|maximum (?:number|allowed)"),
    ),
    (
        _any(
            r"max[_ ]?(?:new|completion|output|gen|generation)?[_ ]?tok\w*|maximum tokens|output tokens",
            r"completion tokens|tokens to generate",
        ),
        _any(_MORE, r"less than|fewer than|<=|\d > \d|(?:valid|supported) range|maximum (?:allowed|value)"),
    ),
)
_SPEED = _any(
    r"rate[ _-]?limit|per[ _-](?:second|minute|min|hour|day)\b|\b[TR]P[MDS]\b|too many requests",
    r"time[ _-]?out|timed out",
)
_CONTENT = _any(
    r"moderat|flagged|guardrail|data_?inspection|prohibited_content|responsible[ _]ai|safety (?!net)",
    r"(?:inappropriate|harmful|unsafe|sensitive|prohibited|offensive|toxic|disallowed) (?:\w+ )?"
    r"(?:content|input|prompt|text|words?)",
    r"content[ _-]?(?:polic|filter|manage|violat|restrict|block|safety|risk|guideline|rule)|敏感|违规|审核",
)
_ABOUT_CONTENT = _any(r"\bcontents?\b(?![ _-]?(?:type|length|encoding|negotiation|range))")
_ABOUT_ACCESS = _any(
    r"permission|access|authori[sz]|credential|\bkeys?\b|subscri|region|countr|territor|\bplan\b|billing|\brole\b"
)
_SPENT = _any(
    r"insufficient[ _](?:user[ _])?(?:quota|balance|credits?|funds)|exceeded_current_quota|arrearage",
    r"billing[ _](?:hard[ _]limit|not[ _]active)|billing_hard_limit_reached|credit balance is too low",
    r"balance (?:is )?(?:not enough|insufficient|too low)|(?:out of|no more|not enough) credits",
    r"credits? (?:are |is |have been |has been )?exhausted|free ?tier\w* (?:of the model )?has been exhausted",
    r"余额不足|欠费",
)
_CURRENT_QUOTA = _any(r"exceeded your (?:current |monthly )?quota")
_COMES_BACK = _any(r"retry in|try again in|retry_?delay|RESOURCE_EXHAUSTED|free_tier_requests")


def too_large(message: str, code: str = "") -> bool:
    """Whether an error says that the request, or prompt and answer together, is more than the server can hold."""
    if _TOO_LARGE.search(code) or _TOO_LARGE.search(message):
        return True
    return not _SPEED.search(message) and any(what.search(message) and more.search(message) for what, more in _SIZES)


def about_content(message: str, code: str = "") -> bool:
    """Whether an error is about what this very request says, rather than about who sends it."""
    if _CONTENT.search(code) or _CONTENT.search(message):
        return True
    return bool(_ABOUT_CONTENT.search(message)) and not _ABOUT_ACCESS.search(message)


def out_of_money(message: str, code: str = "") -> bool:
    """Whether an error says that the account has nothing left, so that waiting does not help."""
    if _SPENT.search(code) or _SPENT.search(message):
        return True
    both = f"{code} {message}"  # some vendors say the same of a limit per minute
    return bool(_CURRENT_QUOTA.search(message)) and not (_COMES_BACK.search(both) or _SPEED.search(both))
