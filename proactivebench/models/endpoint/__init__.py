"""Any OpenAI-compatible server: what it takes, one request with its retries, one policy of what failures mean."""
