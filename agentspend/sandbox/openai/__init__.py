"""Chat Completions and the Responses API as OpenAI offers them: one price list, two shapes."""
