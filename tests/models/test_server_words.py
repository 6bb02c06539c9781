"""What servers mean, in the wordings of many vendors: each list is a kind of message, and none is taken for another."""

import json

import pytest

from proactivebench.models.server_meaning import about_content, out_of_money, too_large
from proactivebench.models.server_words import codes, one_line, said, without_key

TOO_LARGE = [
    # vLLM
    "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens (2000 in the messages, "
    "1000 in the completion). Please reduce the length of the messages or completion.",
    "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context length is 2048 tokens "
    "and your request has 1600 input tokens (1024 > 2048 - 1600).",
    "The decoder prompt (length 5000) is longer than the maximum model length of 2048.",
    "The prompt (total length 5000) is too long to fit into the model (context length 4096).",
    "You passed 5000 input tokens and requested 1024 output tokens. However, the model's context length is only 4096 "
    "tokens, resulting in a maximum input length of 3072 tokens.",
    "max_tokens must be at least 1, got -12.",
    # OpenAI
    "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you gave 100000.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.",
    "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 50000. The "
    "input or output tokens must be reduced in order to run successfully.",
    # llama.cpp and its Python server
    "the request exceeds the available context size. try increasing the context size or enable context shift",
    "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    "Requested tokens (3000) exceed context window of 2048",
    "input is too large to process. increase the physical batch size",
    "Input prompt is too big compared to KV size. Please try increasing KV size.",
    # TGI
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1500 `inputs` tokens and 1000 "
    "`max_new_tokens`",
    "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000",
    # Anthropic
    "prompt is too long: 210000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or max_tokens",
    "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for this model",
    "Request exceeds the maximum size in tokens",
    # Gemini
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "Unable to submit request because it has a maxOutputTokens value of 100000 but the supported range is from 1 "
    "(inclusive) to 8193 (exclusive).",
    # SGLang, DeepSeek, Ollama, Mistral, Cohere
    "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
    "Requested token count exceeds the model's maximum context length of 4096 tokens.",
    "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
    "the input length exceeds the context length",
    "prompt too long; exceeded max context length by 123 tokens",
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000",
    "size limit exceeded by 300 tokens. Try using shorter or fewer inputs",
    # counted in characters
    "Invalid 'messages[1].content': string too long. Expected a string with maximum length 1048576",
    "body.messages.1.content: String should have at most 32768 characters",
    # others
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
    "Prompt 超长",
    "Invalid request: Your request exceeded model token limit: 8192",
    "Please reduce the length of the messages or completion.",
    "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
    "Input is too long for requested model.",
    "The maximum tokens you requested exceeds the model limit of 4096.",
    "Request body too large for gpt-4o model. Max size: 8000 tokens.",
    "The estimated number of input and maximum output tokens (9000) exceeded this model context window limit (4096)",
    "prompt token count of 9000 exceeds the limit of 8192",
    "The number of tokens to keep from the initial prompt is greater than the context length.",
    "Request prompt has 5000 tokens in total, larger than the model input length limit 4096.",
    "the model is loaded with context length of only 4096 tokens, which is not enough",
]

NOT_TOO_LARGE = [
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "Unrecognized request argument supplied: max_completion_tokens",
    "Could not finish the message because max_tokens or model output limit was reached. Please try again with higher "
    "max_tokens.",
    "`max_tokens` must be greater than `thinking.budget_tokens`",
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is supported.",
    "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested "
    "2000. Please try again in 2s.",
    "Too many requests: you exceeded 60 requests per minute",
    "the request exceeded its time out of 60 s",
    "body.seed: Extra inputs are not permitted",
    "messages.1.role: Input should be 'user' or 'assistant'",
    "response_format: json_schema is not supported by this model",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "The server is overloaded: too many requests in the queue",
    "The requested model does not exist",
    "Invalid token in the Authorization header",
    "stop: at most 4 sequences are allowed",
    "n must be less than or equal to 1",
    "top_logprobs: Input should be less than or equal to 20",
    "This model only support stream mode, please enable the stream parameter to access the model.",
    "Missing reasoning_content in an assistant message",
    "temperature must be less than 2",
    "body.user: String should have at most 64 characters",
    "upstream connect error or disconnect/reset before headers",
]

ABOUT_CONTENT = [
    'Your chosen model requires moderation and your input was flagged for "violence".',
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    "Input data may contain inappropriate content.",
    "Your request was rejected as a result of our safety system.",
    "Content policy violation",
    "blocked by a guardrail",
    "The prompt contains sensitive words",
    "this content is not allowed here",
]

ABOUT_ACCESS = [
    "You do not have permission to access this model.",
    "Your key may not use this content API",
    "Incorrect API key provided",
    "Country, region, or territory not supported",
    "Forbidden",
    "Content-Type must be application/json",
    "The organization's policy forbids this model",
    "Your subscription plan does not include this model",
]

NO_MONEY = [
    "Insufficient Balance",
    "Your credit balance is too low to access the API. Please go to Plans & Billing to upgrade.",
    "You exceeded your current quota, please check your plan and billing details.",
    "Billing hard limit has been reached",
    "账户余额不足",
    "insufficient_user_quota",
    "Your credits are exhausted",
]

WAIT = [
    "You exceeded your current quota, please check your plan. Please retry in 21.4s.",
    "Rate limit reached: 3 requests per minute",
    "insufficient_system_resource",
    "Resource has been exhausted (e.g. check quota).",
    "The engine is overloaded",
]


@pytest.mark.parametrize("message", TOO_LARGE)
def test_a_request_beyond_the_servers_size_is_known_in_any_wording(message: str) -> None:
    assert too_large(message)


@pytest.mark.parametrize("message", [*NOT_TOO_LARGE, *ABOUT_CONTENT, *ABOUT_ACCESS, *NO_MONEY, *WAIT])
def test_other_complaints_are_not_about_size(message: str) -> None:
    assert not too_large(message)


@pytest.mark.parametrize("code", ["context_length_exceeded", "exceed_context_size_error", "request_too_large"])
def test_a_code_says_it_without_words(code: str) -> None:
    assert too_large("Bad request", codes(json.dumps({"error": {"message": "Bad request", "code": code}})))
    assert too_large("Bad request", codes(json.dumps({"type": "error", "error": {"type": code, "message": "x"}})))


@pytest.mark.parametrize("message", ABOUT_CONTENT)
def test_moderation_is_known_in_any_wording(message: str) -> None:
    assert about_content(message)


@pytest.mark.parametrize("message", [*ABOUT_ACCESS, *NO_MONEY, *WAIT])
def test_what_concerns_the_caller_is_not_about_content(message: str) -> None:
    assert not about_content(message)


@pytest.mark.parametrize("message", NO_MONEY)
def test_an_empty_account_is_known_in_any_wording(message: str) -> None:
    assert out_of_money(message)


@pytest.mark.parametrize("message", [*WAIT, *TOO_LARGE, *NOT_TOO_LARGE])
def test_a_limit_that_comes_back_is_no_empty_account(message: str) -> None:
    assert not out_of_money(message)


def test_a_quota_that_comes_back_says_so_in_its_code() -> None:
    assert not out_of_money("You exceeded your current quota.", "429 RESOURCE_EXHAUSTED")
    assert out_of_money("Too many requests", "insufficient_quota")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": {"message": "no"}}', "no"),
        ('{"error": "no"}', "no"),
        ('{"detail": "no"}', "no"),
        ('{"object": "error", "message": "no"}', "no"),
        ('{"detail": [{"loc": ["body", "seed"], "msg": "no"}]}', "body.seed: no"),
        ('{"detail": [{"loc": 7, "msg": "no"}, 3]}', ": no"),
        ("no\nway", "no way"),
        ("", "no message"),
        ("<html><title> Gone </title>", "an HTML page, 'Gone'"),
        ("[" * 100_000, ""),
        ('{"error": {"message": ' + "[" * 100_000, ""),
    ],
)
def test_the_servers_words_are_found_wherever_they_stand(body: str, message: str) -> None:
    assert message in said(body)[0]
    assert len(said(body)[0]) <= 300


def test_a_pathological_page_costs_no_more_than_its_head() -> None:
    assert said("<html>" + "<title" * 2_000_000)[0] == "an HTML page"
    assert len(one_line("\u0301" * 9_000_000)) <= 300


def test_only_a_real_key_is_cut_out_of_an_answer() -> None:
    assert without_key("use sesame-street-0815 now", "sesame-street-0815") == "use [key] now"
    assert without_key("the list is EMPTY", "EMPTY") == "the list is EMPTY"
    assert without_key("anything goes", "anything") == "anything goes"
    assert without_key("rotate sk-abcdefgh1234 soon", "another-key-1234") == "rotate sk-abcdefgh1234 soon"
