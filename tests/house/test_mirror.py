"""Tests mirror the tree: each module has a test of its name, or a reason why not."""

from tests.house.sources import PACKAGES, ROOT, modules, name_of

SUITES = {
    "agentspend/daemon": "tests/daemon drives the real process and its control socket",
    "agentspend/proxy": "tests/proxy, tests/simulation and tests/torture drive whole journeys",
    "agentspend/bookkeeper": "tests/bookkeeper drives the books through their public face",
    "sync_server/store": "tests/sync_server/test_service.py, test_schema.py: over real SQLite",
    "sync_server/acts": "tests/sync_server/acts drives every act through the admin API",
    "sync_server/cli": "tests/sync_server/cli runs every command, in the folder and from afar",
    "sync_server/doors": "tests/sync_server/doors drives each door over real HTTPS",
    "agentspend/dialects": "tests/dialects drives each API by golden cases, recordings and fuzz",
}
ELSEWHERE = {
    "sync_server/__main__.py": "tests/sync_server/cli runs every command through it",
    "sync_server/policies.py": "tests/sync_server/acts/test_rules.py",
    "sync_server/raises.py": "tests/sync_server/acts/test_requests.py",
    "sync_server/app.py": "tests/sync_server/doors, all of it, and test_folder.py",
    "agentspend/__main__.py": "tests/cli runs every command through it",
    "agentspend/faults.py": "tests/torture reaches every point",
    "agentspend/agents/claude_settings.py": "tests/agents/test_claude.py, its only caller",
    "agentspend/agents/flat_text.py": "tests/agents/test_file_change.py, its only caller",
    "agentspend/agents/gemini_settings.py": "tests/agents/test_gemini.py, its only caller",
    "agentspend/agents/network.py": "tests/agents/test_generic.py",
    "agentspend/agents/opencode_config.py": "tests/agents/test_opencode.py, its only caller",
    "agentspend/core/allowance/messages.py": "tests/wire/test_team.py: values without code",
    "agentspend/core/allowance/standing.py": "tests/core/allowance/test_hearing.py: values",
    "agentspend/cli/access.py": "tests/cli/test_budget.py and test_offline.py, through commands",
    "agentspend/cli/checkup.py": "tests/cli/test_doctor.py",
    "agentspend/cli/checkup_agents.py": "tests/cli/test_doctor.py",
    "agentspend/cli/checkup_apart.py": "tests/cli/test_doctor.py",
    "agentspend/cli/checkup_plain.py": "tests/cli/test_doctor.py",
    "agentspend/cli/child.py": "tests/e2e",
    "agentspend/cli/daemon_start.py": "tests/cli/test_daemon.py",
    "agentspend/cli/demo_stage.py": "tests/cli/test_demo.py",
    "agentspend/cli/enabling.py": "tests/cli/test_enable.py",
    "agentspend/cli/helping.py": "tests/cli/test_app.py",
    "agentspend/cli/key_lines.py": "tests/cli/test_key.py, its only caller",
    "agentspend/cli/plain_files.py": "tests/cli/test_enable.py, its only caller",
    "agentspend/cli/prices_explain.py": "tests/cli/test_shapes.py, every golden case",
    "agentspend/cli/run.py": "tests/e2e",
    "agentspend/cli/run_args.py": "tests/e2e",
    "agentspend/cli/run_facts.py": "tests/cli/test_doctor.py and tests/e2e",
    "agentspend/cli/run_help.py": "tests/cli/test_app.py",
    "agentspend/cli/session_link.py": "tests/e2e and tests/daemon",
    "agentspend/cli/smallest.py": "tests/cli/test_budget.py",
    "agentspend/config/budgets.py": "tests/config/test_schema.py, word for word",
    "agentspend/config/placing.py": "tests/config/test_schema.py, word for word",
    "agentspend/config/secret_keyring.py": "tests/config/test_secrets_keyring.py",
    "agentspend/config/secret_file.py": "tests/config/test_secrets_file.py",
    "agentspend/config/secret_text.py": "tests/config/test_secrets.py",
    "agentspend/config/shape.py": "tests/config/test_schema.py: values without code",
    "agentspend/sandbox/behaviour.py": "tests/sandbox/test_model.py and test_script.py",
    "agentspend/sandbox/checks.py": "tests/sandbox/test_server.py",
    "agentspend/sandbox/compatible/model.py": "tests/sandbox/compatible/test_dialect.py",
    "agentspend/sandbox/compatible/prices.py": "tests/proxy/test_ready_providers.py, to the nano",
    "agentspend/sandbox/compatible/servers.py": "tests/sandbox/compatible/test_chat.py",
    "agentspend/sandbox/content.py": "tests/sandbox/test_model.py",
    "agentspend/sandbox/events.py": "tests/sandbox/test_delivery.py",
    "agentspend/bookkeeper/rights.py": "tests/bookkeeper/test_team.py",
    "agentspend/cli/statusline_install.py": "tests/cli/test_statusline.py",
    "agentspend/sync/anchor.py": "tests/daemon/test_team.py",
    "agentspend/sync/client.py": "tests/sync/test_pump.py, over HTTP",
    "agentspend/sync/viewing.py": "tests/daemon/test_team_seen.py, over a real daemon and server",
    "agentspend/store/team.py": "tests/bookkeeper/test_team.py",
    "agentspend/cli/models.py": "tests/daemon/test_models.py",
    "agentspend/cli/team.py": "tests/daemon/test_team.py",
    "agentspend/cli/top_source.py": "tests/cli/test_top.py, over a real daemon",
    "tui/actions.py": "tests/tui/test_app.py, every key",
    "tui/deed.py": "tests/tui/test_app.py",
    "tui/deeds.py": "tests/tui/test_app.py",
    "tui/facts.py": "tests/tui/test_day.py",
    "tui/headline.py": "tests/tui/test_snapshots.py",
    "tui/inspector.py": "tests/tui/test_app.py",
    "tui/columns.py": "tests/tui/test_listing.py and test_snapshots.py",
    "tui/lines.py": "tests/tui/test_snapshots.py and test_app.py",
    "tui/now.py": "tests/tui/test_snapshots.py",
    "tui/board.py": "tests/tui/test_app.py and test_snapshots.py",
    "tui/widgets/prompt.py": "tests/tui/test_app.py",
    "tui/replay.py": "tests/tui/test_app.py and test_snapshots.py",
    "tui/rows.py": "values; tests/tui/test_app.py",
    "tui/source.py": "a protocol",
    "tui/spending.py": "tests/tui/test_day.py",
    "tui/views.py": "tests/tui/test_snapshots.py and test_app.py",
    "tui/screens/text.py": "tests/tui/test_app.py",
    "tui/widgets/line.py": "tests/tui/test_app.py",
    "tui/widgets/rows.py": "tests/tui/test_app.py",
}


def has_test(name: str) -> bool:
    """Whether `agentspend/x/y.py` has `tests/x/test_y.py`."""
    folder, _, file = name.removeprefix("agentspend/").rpartition("/")
    return (ROOT / "tests" / folder / f"test_{file.replace('__', '')}").exists()


def test_every_module_has_its_test() -> None:
    """A module without a test of its name is on the list above, with where it is tested."""
    untested = [
        name
        for path in modules(*PACKAGES)
        if path.name != "__init__.py"
        and not has_test(name := name_of(path))
        and name not in ELSEWHERE
        and not name.startswith(tuple(SUITES))
    ]
    assert untested == []


def test_the_list_is_no_longer_than_it_must_be() -> None:
    """An entry whose module has its test by now, or is gone, is taken out."""
    stale = [name for name in ELSEWHERE if has_test(name) or not (ROOT / name).exists()]
    assert stale == []


def test_the_reasons_name_what_is_there() -> None:
    """Every test file or folder that a reason names exists."""
    for reason in [*ELSEWHERE.values(), *SUITES.values()]:
        for word in reason.replace(",", " ").replace(":", " ").split():
            if word.startswith("tests/"):
                assert (ROOT / word).exists(), reason
