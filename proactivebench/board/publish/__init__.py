"""From runs to entries, and from entries to a board that stands somewhere."""
