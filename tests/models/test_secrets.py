import pytest

from proactivebench.errors import UsageError
from proactivebench.models.secrets import refuse_secrets


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "abc"),
        ("api-key", "abc"),
        ("auth_token", "abc"),
        ("openai_api_key", "abc"),
        ("token", "abc"),
        ("header", '{"Authorization": "x"}'),
        ("model", "sk-abcdefghijklmnop"),
        ("anything", "hf_abcdefghijklmnopqrstuv"),
        ("base_url", "https://me:secret@example.org/v1"),
        ("base_url", "https://example.org/v1?api_key=abc"),
    ],
)
def test_an_argument_that_looks_like_a_secret_is_refused_without_repeating_its_value(name: str, value: str) -> None:
    with pytest.raises(UsageError) as refusal:
        refuse_secrets({"model": "m", name: value} if name != "model" else {name: value})
    assert name in str(refusal.value)
    assert value not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokenizer", "gpt2"),
        ("max_gen_toks", "256"),
        ("think_end_token", "</think>"),
        ("add_bos_token", "true"),
        ("token", "true"),
        ("tokenized_requests", "False"),
        ("base_url", "http://127.0.0.1:8000/v1?api-version=2025-03-01"),
        ("pretrained", "org/model"),
        ("custom_prefix_token_id", "1"),
    ],
)
def test_ordinary_arguments_pass(name: str, value: str) -> None:
    refuse_secrets({name: value})
