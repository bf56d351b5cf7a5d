"""The Gemini API as Google offers it: prices, token counts, billing and chunks."""
