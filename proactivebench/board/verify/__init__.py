"""Is a submission true: computed again, decided again, asked again."""
