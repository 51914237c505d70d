"""Account holders' own exports, as their platforms give them: one file a platform."""
