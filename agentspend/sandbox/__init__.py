"""A local server that answers as model providers do and keeps its own bill.

It speaks Anthropic Messages, OpenAI Chat Completions and Responses, and Gemini. It stands alone:
nothing here imports the rest of `agentspend`, and its price lists are written by hand, so that a
test which compares our ledger with this bill can find us wrong.

Start at `server.Sandbox` (the server), `model.answer` (the same billing without sockets) and
`behaviour.Behaviour` (what it is told to do). The rooms `anthropic`, `openai` and `gemini` read,
price and render; what they share lies here: `answer` and `bill` (what is owed when), `content`
(what is said), `cache`, `rules` (what counts how many tokens), `delivery` and `script`.
"""
