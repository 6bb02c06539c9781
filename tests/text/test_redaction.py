"""What is personal or secret is marked by its kind; prose, code, times and numbers stay as they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proactivebench.text.redaction import KINDS, Kind, own_kinds, redact, redacted
from proactivebench.traces import load_task

PERSONAL = {
    "mail bob.smith@example.co.uk now": "mail [e-mail] now",
    "联系我foo@bar.com谢谢": "联系我[e-mail]谢谢",
    "OPENAI: sk-abc123DEF456ghi789jkl.": "OPENAI: [token].",
    "Authorization: Bearer abcDEF123.456-xyz": "Authorization: Bearer [token]",
    "hf_abcdefghijklmnopqrstuvwxyz0123": "[token]",
    "ghp_abcdefghijklmnopqrstuvwxyz0123": "[token]",
    "xoxb-123456789012-abcdef": "[token]",
    "id AKIAIOSFODNN7EXAMPLE": "id [token]",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N": "[token]",
    "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "AWS_SECRET_ACCESS_KEY=[token]",
    "api_key='a8F3kd92LsmQ0pXz71'": "api_key='[token]'",
    "X=Zk3jD8s1QpL0vNw7Rt5YxA": "X=[token]",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef=\n-----END RSA PRIVATE KEY----- after": "[key] after",
    "postgres://admin:s3cret@db.host/x": "postgres://[login]@db.host/x",
    "password=hunter": "password=[password]",
    "password: hunter2.": "password: [password].",
    "PASSWORD = 'correct horse'": "PASSWORD = '[password]'",
    "mysql --password hunter2x": "mysql --password [password]",
    "密码：abc12345": "密码：[password]",
    "https://a.com/x?token=abc&y=2, and": "https://a.com/x?[query], and",
    "google.com/search?q=my+illness": "google.com/search?[query]",
    "/home/alice/x.py and /Users/bob/Desktop": "/home/[user]/x.py and /Users/[user]/Desktop",
    "C:\\Users\\John Smith\\Desktop": "C:\\Users\\[user]\\Desktop",
    "'C:\\\\Users\\\\eve\\\\x'": "'C:\\\\Users\\\\[user]\\\\x'",
    "alice@laptop:~$ ls": "[login]:~$ ls",
    "call +49 30 1234567 or (415) 555-2671": "call [phone number] or [phone number]",
    "电话13812345678，谢谢": "电话[phone number]，谢谢",
    "06 12 34 56 78": "[phone number]",
    "from 192.168.1.20:8080": "from [IP address]:8080",
    "2001:db8::ff00:42:8329 and fe80::1%eth0": "[IP address] and [IP address]%eth0",
    "00:1A:2b:3C:4D:5e": "[MAC address]",
    "DE89 3704 0044 0532 0130 00 it is": "[IBAN] it is",
    "GB82WEST12345698765432": "[IBAN]",
    "card 4111 1111 1111 1111": "card [card number]",
    "378282246310005": "[card number]",
    "11010519491231002X": "[ID number]",
}

ORDINARY = (
    "at 12:30:45 on 2024-01-01T10:00:00+08:00, 20240101120000, 1747985402.318, 1700000000000",
    "Chrome 120.0.6099.130, version 1.2.3.4, §2.4.1.3, 1.2.3.4.5, 127.0.0.1:8000",
    "std::vector<int> a::b cafe::f [::1]",
    "password = getpass.getpass(); connect(password=password); password=os.environ['X']",
    "The user types the password: then presses enter. The password is correct. 密码错误",
    "max_tokens=4096 token=tokenizer.next() token: str = field() secret: the garden",
    "commit=da39a3ee5e6b4b0d3255bfef95601890afd80709 model=Qwen2VLForConditionalGeneration",
    "git clone git@github.com:x/y.git; npm i foo@1.2.3; @decorator; a@b.T; sk-estimator-doc-link",
    "/api/users/42 site.com/home/index.html ~/home/x http://a.com/path#frag what.is/this?really",
    "+1.2345678901, 3.14159265358979, 12345678901234567890, 9780306406157, resize 640 480 1920, 01 23 45 67 89 ab",
    "Read [the docs](people.md), [e-mail] me, see [1].",
    "用户打开终端，运行 pytest -q，端口 5432 被占用；10:30 保存。",
    "--pass_on the bearer authentication-documentation",
)


@pytest.mark.parametrize("text", PERSONAL)
def test_what_is_personal_is_marked_by_its_kind(text: str) -> None:
    assert redact(text) == PERSONAL[text]


@pytest.mark.parametrize("end", [".", ", then", "。", ") (", "；", "\n", "!"])
def test_it_is_found_wherever_a_sentence_puts_it(end: str) -> None:
    for text, marked in PERSONAL.items():
        if "password=" in text:
            continue  # its end may be part of it
        before = "(" if end.startswith(")") else "See "
        assert redact(f"{before}{text}{end}") == f"{before}{marked}{end}"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redacted(text) == (text, Counter())


def test_no_event_or_offer_of_the_sample_is_changed() -> None:
    for trace in load_task("proactivebench_sample").traces:
        texts = [text for event in trace.events for text in (event.event, event.time)]
        texts += [task.task for label in trace.labels or () if label for task in label.tasks]
        assert redact("\n".join(texts)) == "\n".join(texts)


_PIECES = st.sampled_from(
    [*PERSONAL, *ORDINARY, *(kind.mark for kind in KINDS), "[", "]", "=", ":", "@", ".", "7", "\n"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES | st.text(max_size=6), max_size=5).map("".join))
def test_redacting_again_changes_nothing_and_counts_nothing(text: str) -> None:
    once = redact(text)
    assert redacted(once) == (once, Counter())


def test_own_words_are_removed_in_any_case_and_by_pattern() -> None:
    own = own_kinds("# my words\nAcme Ltd.\n\nregex: PRJ-\\d+\n")
    text, counts = redacted("ACME LTD. has PRJ-17 and [removed], by a@b.com", own)
    assert text == "[removed] has [removed] and [removed], by [e-mail]"
    assert counts == {"removed": 2, "e-mail": 1}
    assert redacted(text, [*own, *own_kinds("mail\nremove")])[0] == text


@pytest.mark.parametrize(("line", "why"), [("regex: (", "no regular expression"), ("regex: x*", "empty text")])
def test_a_pattern_that_cannot_be_used_is_named_by_its_line(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"line 2: .*{why}"):
        own_kinds(f"fine\n{line}")


def _repeats(tree: Any) -> Iterator[tuple[str, int, bool]]:
    """(operator, greatest count, whether something must follow in its sequence) of all repeats of a parsed pattern."""
    parts = list(tree)
    for place, (operator, argument) in enumerate(parts):
        must = any(
            part[0].name not in ("MAX_REPEAT", "ASSERT", "ASSERT_NOT") or part[1][0] for part in parts[place + 1 :]
        )
        if operator.name.endswith("_REPEAT"):
            yield operator.name, int(argument[1]), must
            yield from _repeats(argument[2])
        elif operator.name == "SUBPATTERN":
            yield from _repeats(argument[3])
        elif operator.name == "BRANCH":
            for branch in argument[1]:
                yield from _repeats(branch)
        elif operator.name in ("ASSERT", "ASSERT_NOT"):
            yield from _repeats(argument[1])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.name}-{KINDS.index(kind)}")
def test_no_pattern_goes_over_a_text_more_often_than_a_bounded_number_of_times(kind: Kind) -> None:
    """By its shape, not by time: a repeat is bounded or possessive, so no place is tried twice; and where something
    has to follow an unbounded one, the pattern begins only where no such run has begun before."""
    tree = re._parser.parse(kind.pattern.pattern, kind.pattern.flags)  # type: ignore[attr-defined]
    begins_anew = next(iter(tree))[0].name == "ASSERT_NOT"
    for operator, most, must in _repeats(tree):
        unbounded = most > 1_000
        assert not unbounded or operator == "POSSESSIVE_REPEAT"
        assert unbounded or most <= 300
        assert not (unbounded and must) or begins_anew
