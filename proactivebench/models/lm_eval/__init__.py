"""Any backend of lm-eval as a model."""
