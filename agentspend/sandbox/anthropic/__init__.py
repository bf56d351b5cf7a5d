"""The Messages API as Anthropic offers it: prices, token counts, checks, billing and events."""
