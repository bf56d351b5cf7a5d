#!/bin/sh
# Install the real agents that tests run, into .cache/agents, and print their versions.
#
# npm's engine filter picks an old Claude Code on Node 20 and newer npm does not run its postinstall
# step; the native binary itself needs no Node. So: take the latest, run the step by hand, and
# believe only a binary that starts. Running this again does nothing while the binary works.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
agents="$root/.cache/agents"
claude="$agents/node_modules/.bin/claude"
package="$agents/node_modules/@anthropic-ai/claude-code"

works() {
    HOME="$agents/home" "$claude" --version >"$agents/claude.version" 2>/dev/null &&
        grep -q "Claude Code" "$agents/claude.version"
}

mkdir -p "$agents/home"
if ! works; then
    command -v npm >/dev/null || {
        echo "npm is needed to install Claude Code for the tests" >&2
        exit 1
    }
    cd "$agents"
    [ -f package.json ] || echo '{"private": true}' >package.json
    for try in 1 2 3; do
        npm install --no-audit --no-fund --loglevel=error --engine-strict=false \
            @anthropic-ai/claude-code@latest >&2 && break
        [ "$try" = 3 ] && exit 1
        sleep 2
    done
    (cd "$package" && node install.cjs >&2) || true
    if ! works; then
        # The step failed: link the platform's own binary, the one that starts.
        for native in "$agents"/node_modules/@anthropic-ai/claude-code-*/claude; do
            [ -x "$native" ] || continue
            ln -sf "$native" "$claude"
            works && break
        done
    fi
fi
works || {
    echo "Claude Code was installed in $agents but does not start" >&2
    exit 1
}
echo "claude $(cat "$agents/claude.version") at $claude"
