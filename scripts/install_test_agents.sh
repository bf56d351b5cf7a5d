#!/bin/sh
# Install the real agents that tests run, into .cache/agents, and print their versions; with --all
# also those that only `make agents` runs.
#
# npm's engine filter picks old versions on Node 20, and newer npm does not run postinstall steps;
# the native binaries themselves need no Node. So: take the latest, run the step by hand, and
# believe only a binary that starts. An agent that starts already is left alone. One that cannot be
# installed is reported and does not stop the others: its tests are skipped with that reason.
# Claude Code lies in .cache/agents itself; each other one has a folder, and all a link in bin/.
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
agents="$root/.cache/agents"
bin="$agents/bin"
mkdir -p "$agents/home" "$bin"

# says NAME WORD: bin/NAME starts and its version has this word in it.
says() {
    HOME="$agents/home" timeout 60 "$bin/$1" --version >"$agents/$1.version" 2>&1 </dev/null &&
        grep -q "$2" "$agents/$1.version"
}

# npm_into FOLDER PACKAGE
npm_into() {
    command -v npm >/dev/null || return 1
    mkdir -p "$1"
    [ -f "$1/package.json" ] || echo '{"private": true}' >"$1/package.json"
    for try in 1 2 3; do
        (cd "$1" && npm install --no-audit --no-fund --loglevel=error --engine-strict=false \
            "$2@latest" >&2) && return 0
        sleep 2
    done
    return 1
}

install_claude() {
    npm_into "$agents" @anthropic-ai/claude-code || return 1
    (cd "$agents/node_modules/@anthropic-ai/claude-code" && node install.cjs >&2) || true
    for native in "$agents/node_modules/.bin/claude" \
        "$agents"/node_modules/@anthropic-ai/claude-code-*/claude; do
        [ -x "$native" ] || continue
        ln -sf "$native" "$bin/claude"
        says claude "Claude Code" || continue
        # Where the step failed, the platform's own binary takes the place of the script.
        [ "$native" = "$agents/node_modules/.bin/claude" ] ||
            ln -sf "$native" "$agents/node_modules/.bin/claude"
        return 0
    done
    return 1
}

install_codex() {
    npm_into "$agents/codex" @openai/codex || return 1
    ln -sf "$agents/codex/node_modules/.bin/codex" "$bin/codex"
}

install_gemini() {
    npm_into "$agents/gemini" @google/gemini-cli || return 1
    ln -sf "$agents/gemini/node_modules/.bin/gemini" "$bin/gemini"
}

install_opencode() {
    npm_into "$agents/opencode" opencode-ai || return 1
    (cd "$agents/opencode/node_modules/opencode-ai" && node postinstall.mjs >&2) || true
    for native in "$agents/opencode/node_modules/.bin/opencode" \
        "$agents"/opencode/node_modules/opencode-*/bin/opencode; do
        [ -x "$native" ] || continue
        ln -sf "$native" "$bin/opencode"
        says opencode '^[0-9]' && return 0
    done
    return 1
}

# aider needs Python 3.10 to 3.12.
install_aider() {
    for python in python3.12 python3.11 python3 python3.10; do
        "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' \
            2>/dev/null || continue
        "$python" -m venv --clear "$agents/aider" >&2 || continue
        "$agents/aider/bin/pip" install -qq --disable-pip-version-check aider-chat >&2 || continue
        ln -sf "$agents/aider/bin/aider" "$bin/aider"
        says aider '^aider' && return 0
    done
    return 1
}

install_qwen() {
    npm_into "$agents/qwen" @qwen-code/qwen-code || return 1
    ln -sf "$agents/qwen/node_modules/.bin/qwen" "$bin/qwen"
}

install_pi() {
    npm_into "$agents/pi" @mariozechner/pi-coding-agent || return 1
    ln -sf "$agents/pi/node_modules/.bin/pi" "$bin/pi"
}

install_cline() {
    npm_into "$agents/cline" cline || return 1
    ln -sf "$agents/cline/node_modules/.bin/cline" "$bin/cline"
}

# The SDKs of Anthropic and OpenAI: bin/sdks is a Python that has both.
install_sdks() {
    python3 -m venv --clear "$agents/sdks" >&2 || return 1
    "$agents/sdks/bin/pip" install -qq --disable-pip-version-check anthropic openai >&2 || return 1
    "$agents/sdks/bin/python" -c "import anthropic, openai" || return 1
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$agents/sdks/bin/python" >"$bin/sdks"
    chmod +x "$bin/sdks"
}

# agent NAME WORD: install it unless it starts already, and say how it went.
agent() {
    if says "$1" "$2" || { "install_$1" && says "$1" "$2"; }; then
        rm -f "$agents/$1.missing"
        echo "$1 $(head -1 "$agents/$1.version") at $bin/$1"
    else
        rm -f "$bin/$1"
        echo "$1 could not be installed here: scripts/install_test_agents.sh" >"$agents/$1.missing"
        echo "$1 could not be installed, so its tests are skipped" >&2
    fi
}

agent claude "Claude Code"
agent codex '^codex'
agent gemini '^[0-9]'
agent opencode '^[0-9]'
agent aider '^aider'
agent sdks '^Python'
if [ "${1:-}" = --all ]; then
    agent qwen '^[0-9]'
    agent pi '^[0-9]'
    agent cline '^[0-9]'
fi
