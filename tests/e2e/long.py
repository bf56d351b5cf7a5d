"""Which tests with real agents `make test` runs; `make agents` runs the others, which take minutes.

Each agent has one happy run billed to the nano-dollar and one refusal here; what repeats that by
another API, another setting or another agent waits for `make agents`.
"""

import re

SHORT = re.compile(
    r"_claude_print.*(works_and_is_billed|over_budget_it_stops|second_turn|stream_cut|inside_a_run)"
    r"|_claude_screen.*(title_call|message_is_on_screen|status_line)"
    r"|_claude_agents"
    r"|_claude_layers.*(redirect_in_every|another_provider|subscription)"
    r"|_claude_rules.*(429|forbidden|circles)"
    r"|_codex_plain"
    r"|_(other_agents_billed|every_refusal).*\[(codex|gemini|opencode with O.*|aider with O.*)\]"
    r"|_run_command|_no_secret_stays"
    r"|_sdks.*\[(messages|chat completions)\]"
    r"|_enable.*(billed|keys_budget).*\[claude\]"
    r"|_subscriptions.*(chatgpt_login_is_listed|claude_code_stops)"
    r"|_team.*(works_and_is_counted|cap_stops|approves_goes_on)"
    r"|_top.*at_work"
    r"|_other_providers.*\[deepseek\]"
)
